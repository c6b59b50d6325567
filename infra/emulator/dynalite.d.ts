/** dynalite ships no types. https://github.com/architect/dynalite#api */
declare module "dynalite" {
  import type { Server } from "node:http";
  export default function dynalite(options: {
    /** Of the LevelDB store; in memory when left out. */
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): Server;
}
