import { ensurePlatform } from "./platform.ts";

/** `npm run types:infra` needs the sources of SST's components to check against. */
await ensurePlatform();
