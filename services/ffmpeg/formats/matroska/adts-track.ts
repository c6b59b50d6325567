import { unreadable } from "../../process/errors.ts";
import { element, integer } from "./ebml.ts";
import { ID } from "./ids.ts";
import type { MatroskaTrack } from "./reader.ts";

const AUDIO_TRACK_TYPE = 2;

const SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

const ADTS_HEADER_BYTES = 7;
const SEVEN_POINT_ONE = 7;

/**
 * Makes the Matroska track of an AAC stream from its first packet. Packets of transport streams
 * have ADTS headers; MP4 and Matroska store the same fields once. `language` is ISO 639-2. ISO/IEC
 * 14496-3, sections 1.6.2.1 and 1.A.2.2.1.
 */
export function adtsTrack(packet: Buffer, language: string): MatroskaTrack {
  if (packet.length < ADTS_HEADER_BYTES || packet.readUInt16BE(0) < 0xfff0)
    throw unreadable("the first AAC packet has no ADTS header");
  const objectType = (packet[2]! >> 6) + 1;
  const rateIndex = (packet[2]! >> 2) & 0xf;
  const channels = ((packet[2]! & 1) << 2) | (packet[3]! >> 6);
  const rate = SAMPLE_RATES[rateIndex];
  if (rate === undefined || channels === 0)
    throw unreadable("the AAC track has an unsupported sample rate or channel layout");
  const codecPrivate = Buffer.alloc(2);
  codecPrivate.writeUInt16BE((objectType << 11) | (rateIndex << 7) | (channels << 3));
  const frequency = Buffer.alloc(8);
  frequency.writeDoubleBE(rate);
  const audio = [
    element(ID.SamplingFrequency, frequency),
    element(ID.Channels, integer(channels === SEVEN_POINT_ONE ? 8 : channels)),
  ];
  const entry = element(
    ID.TrackEntry,
    Buffer.concat([
      element(ID.TrackNumber, integer(1)),
      element(ID.TrackUID, integer(1)),
      element(ID.TrackType, integer(AUDIO_TRACK_TYPE)),
      element(ID.Language, Buffer.from(language)),
      element(ID.CodecID, Buffer.from("A_AAC")),
      element(ID.CodecPrivate, codecPrivate),
      element(ID.Audio, Buffer.concat(audio)),
    ]),
  );
  return { number: 1, entry, codecPrivate, delay: 0 };
}
