import { demuxProduct } from "./demux-product.ts";
import { parseProduct } from "./parse-product.ts";
import { isIso, isMatroska, type Product, type ProductReader } from "./product.ts";

/**
 * Reads every packet of a produced file with a reader that shares no code with what produced it.
 * docs/decisions/proof-reader.md
 *
 * Throws `CutFailedError` (ProofFailed) for a file that can't be parsed, `FfmpegError` for one that
 * ffmpeg can't demux, what the reader's functions throw, the file system's errors, and the signal's
 * reason: at once, whatever is awaited.
 */
export async function readProduct(product: Product, reader: ProductReader): Promise<void> {
  const { container, signal } = product;
  signal.throwIfAborted();
  const isParsed = isIso(container) || isMatroska(container);
  await (isParsed ? parseProduct(product, reader) : demuxProduct(product, reader));
}
