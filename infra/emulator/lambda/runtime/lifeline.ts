import { Socket } from "node:net";
import { LIFELINE_FD } from "./protocol.ts";

/**
 * A thread of its own, because the handler may be busy in its own. Nothing is written into the
 * lifeline, so it ends when the local stack does, even by kill -9. Then the whole process group is
 * killed, with every ffmpeg in it.
 */
const end = () => process.kill(-process.pid, "SIGKILL");
new Socket({ fd: LIFELINE_FD, readable: true, writable: false }).on("error", end).on("close", end).resume();
