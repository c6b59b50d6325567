import { isIPv4, isIPv6 } from "node:net";
import { refuse } from "./errors.ts";
import type { TextTest } from "./text-tests.ts";

type Address = { bits: 32 | 128; value: bigint };

const MAPPED_IPV4 = 0xffffn;

/** What event-ruler accepts as IPv6: no dots, no zone. */
const IPV6_SHAPE = /^[0-9a-fA-F:]*:[0-9a-fA-F:]*$/;

const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));

function ipv6Value(text: string): bigint {
  const [head = "", tail] = text.split("::");
  const left = groups(head);
  const right = groups(tail ?? "");
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/**
 * An address, an IPv4 one also where it is written as IPv6 (`::ffff:a00:1`); undefined for any
 * other text.
 */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) {
    return { bits: 32, value: text.split(".").reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) };
  }
  if (!IPV6_SHAPE.test(text) || !isIPv6(text)) return undefined;
  const value = ipv6Value(text);
  return value >> 32n === MAPPED_IPV4 ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

/**
 * The same address however it is written, such as `::1` and `0:0:0:0:0:0:0:1`; undefined where
 * `text` is no address.
 */
export function sameAddress(text: string): TextTest | undefined {
  const wanted = parseAddress(text);
  if (wanted === undefined) return undefined;
  return (candidate) => {
    const address = parseAddress(candidate);
    return address !== undefined && address.bits === wanted.bits && address.value === wanted.value;
  };
}

/** Addresses in a block such as `10.0.0.0/24`. A mask of all bits is refused, as in event-ruler. */
export function cidr(block: string): TextTest {
  const [base, mask, ...others] = block.split("/");
  if (base === undefined || mask === undefined || others.length > 0) return refuse("Malformed CIDR, one '/' required");
  if (!/^\d+$/.test(mask)) return refuse("Malformed CIDR, mask bits must be an integer");
  const network = parseAddress(base) ?? refuse(`Nonstandard IP address: ${base}`);
  const maskBits = Number(mask);
  if (maskBits >= network.bits) {
    refuse(network.bits === 32 ? "IPv4 mask bits must be < 32" : "IPv6 mask bits must be < 128");
  }
  const hostBits = BigInt(network.bits - maskBits);
  return (candidate) => {
    const address = parseAddress(candidate);
    return (
      address !== undefined && address.bits === network.bits && address.value >> hostBits === network.value >> hostBits
    );
  };
}
