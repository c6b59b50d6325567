/** An optional package: it may be absent when types are checked, and its types with it. */
declare module "ffmpeg-static" {
  const path: string | null;
  export default path;
}
