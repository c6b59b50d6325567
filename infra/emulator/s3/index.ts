export { S3Error, type S3ErrorCode } from "./errors.ts";
export { type ObjectCreated, type ObjectCreatedDetail, objectCreatedDetail } from "./events.ts";
export { type LocalS3, type LocalS3Options, openS3 } from "./server.ts";
