/** Optional packages may be absent when types are checked, and their types with them. */
declare module "ffmpeg-static" {
  const path: string | null;
  export default path;
}

declare module "@derhuerst/ffprobe-static" {
  const path: string | null;
  export default path;
}
