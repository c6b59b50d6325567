import type { Readable } from "node:stream";
import { PACKET_BYTES, PACKET_LINES, readPacketLines, readPackets } from "../process/packet-lines.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { abortable } from "./abortable.ts";
import type { Product, ProductReader } from "./product.ts";

/** Muxers that write a frame rate, so that every frame has a duration. ffmpeg guesses it elsewhere. */
const STATES_FRAME_RATE: readonly string[] = ["avi", "ogg"];

/** Reads a produced file with ffmpeg's demuxers: transport streams, AVI, FLV and Ogg. */
export async function demuxProduct(product: Product, reader: ProductReader): Promise<void> {
  const { binary, directory, path, audioTracks, signal } = product;
  const run = runFfmpeg({
    binary,
    directory,
    signal,
    outputs: 2 + audioTracks,
    attend: ({ outputs }) => abortable(readPipes(outputs, product, reader), signal),
    build: (command) => {
      command.input(path).inputOptions("-hide_banner", "-nostdin", "-loglevel", "error", "-copyts");
      const copied = ["-c", "copy", "-copyinkf", "-max_muxing_queue_size", "4096"] as const;
      command.output("pipe:3").outputOptions("-map", "0:v:0", ...copied, ...PACKET_LINES);
      command.output("pipe:4").outputOptions("-map", "0:v:0", ...copied, ...PACKET_BYTES);
      for (let track = 0; track < audioTracks; track += 1)
        command.output(`pipe:${5 + track}`).outputOptions("-map", `0:a:${track}`, ...copied, ...PACKET_LINES);
    },
  });
  await run;
}

async function readPipes([lines, bytes, ...audio]: Readable[], { container }: Product, reader: ProductReader) {
  const statesDuration = STATES_FRAME_RATE.includes(container.muxer);
  const video = async () => {
    for await (const { clock, pts, dts, duration, data } of readPackets(lines!, bytes!))
      await reader.onVideo({
        time: ((pts ?? dts) * clock.num) / clock.den,
        key: undefined,
        duration: statesDuration && duration > 0 ? (duration * clock.num) / clock.den : undefined,
        data,
      });
  };
  const sound = async (pipe: Readable, track: number) => {
    for await (const { clock, line } of readPacketLines(pipe))
      reader.onAudio(track, ((line.pts ?? line.dts) * clock.num) / clock.den);
  };
  await Promise.all([video(), ...audio.map(sound)]);
}
