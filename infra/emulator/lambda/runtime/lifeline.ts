import { Socket } from "node:net";
import { LIFELINE_FD } from "./protocol.ts";

/**
 * A separate thread, because the handler may block its thread. Nothing is written into the
 * lifeline, so its end means that the local stack has ended, even by kill -9. Then the whole
 * process group is killed, with every ffmpeg in it.
 */
const end = () => process.kill(-process.pid, "SIGKILL");
new Socket({ fd: LIFELINE_FD, readable: true, writable: false }).on("error", end).on("close", end).resume();
