import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf, elementOf, type S3Fixture, startS3, until } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const SIGNATURE = "0".repeat(64);
const chunk = (data: string, signed: boolean) =>
  `${Buffer.byteLength(data).toString(16)}${signed ? `;chunk-signature=${SIGNATURE}` : ""}\r\n${data}${data && "\r\n"}`;
const bodyOf = async (key: string) => (await s3.send({ path: `/videos/${key}` })).body.toString();

async function putChunked(key: string, mode: string, length: number, body: string, more = {}) {
  const headers = {
    "x-amz-content-sha256": mode,
    "x-amz-decoded-content-length": String(length),
    "content-encoding": "aws-chunked",
    ...more,
  };
  return s3.send({ method: "PUT", path: `/videos/${key}`, headers, body });
}

describe("aws-chunked", () => {
  test("given signed chunks, when an object is put, then only their data is stored", async () => {
    const body = `${chunk("hello ", true)}${chunk("wörld", true)}${chunk("", true)}\r\n`;
    const put = await putChunked("signed", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 12, body);
    expect(put.status).toBe(200);
    expect(await bodyOf("signed")).toBe("hello wörld");
  });

  test("given signed chunks and a signed trailer, when an object is put, then its checksum is verified", async () => {
    const trailer = `x-amz-checksum-crc32:y/Q5Jg==\r\nx-amz-trailer-signature:${SIGNATURE}\r\n\r\n`;
    const body = `${chunk("123456789", true)}${chunk("", true)}${trailer}`;
    const more = { "x-amz-trailer": "x-amz-checksum-crc32" };
    const put = await putChunked("trailed", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", 9, body, more);
    expect([put.status, put.headers["x-amz-checksum-crc32"]]).toEqual([200, "y/Q5Jg=="]);
    expect(await bodyOf("trailed")).toBe("123456789");
  });

  test("given framing cut anywhere by the network, when an object is put, then its data is whole", async () => {
    const body = `${chunk("abc", false)}${chunk("defgh", false)}${chunk("", false)}\r\n`;
    const socket = s3.openSocket();
    socket.setNoDelay(true);
    socket.write(
      `PUT /videos/cut HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n` +
        "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-decoded-content-length: 8\r\n\r\n",
    );
    for (const byte of body) await new Promise((resolve) => socket.write(byte, resolve));
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1.1 200 /);
    expect(await bodyOf("cut")).toBe("abcdefgh");
    socket.destroy();
  });

  test("given the client's own encoding beside the framing, when the object is read, then only that one is left", async () => {
    const body = `${chunk("zipped", false)}${chunk("", false)}\r\n`;
    await putChunked("encoded", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 6, body, {
      "content-encoding": "aws-chunked,gzip",
    });
    expect((await s3.send({ path: "/videos/encoded" })).headers["content-encoding"]).toBe("gzip");
  });

  test.each([
    ["no chunk size", 0, "nonsense\r\n"],
    ["no end", 3, chunk("123", false)],
    ["more data than announced", 10, `${chunk("12345678901", false)}${chunk("", false)}\r\n`],
    ["less data than announced", 10, `${chunk("12", false)}${chunk("", false)}\r\n`],
    ["data beyond its chunk", 2, `2\r\n12X\r\n${chunk("", false)}\r\n`],
  ])("given %s, when an object is put, then it is refused and nothing is kept", async (_, length, body) => {
    const before = await s3.contentFiles();
    const put = await putChunked("broken", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", length, body);
    expect([put.status, elementOf(put, "Code")]).toEqual([400, "IncompleteBody"]);
    await until(async () => (await s3.contentFiles()).length === before.length);
  });

  test("given a trailer that was announced and doesn't come, when an object is put, then it is refused", async () => {
    const body = `${chunk("123", false)}${chunk("", false)}\r\n`;
    const more = { "x-amz-trailer": "x-amz-checksum-crc32" };
    const put = await putChunked("broken", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 3, body, more);
    expect(elementOf(put, "Code")).toBe("MalformedTrailerError");
  });
});

describe("plain bodies", () => {
  test("given Expect: 100-continue, when an object is put, then the client receives 100 Continue", async () => {
    const socket = s3.openSocket();
    socket.write("PUT /videos/waited HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    const [invitation] = await once(socket, "data");
    expect(String(invitation)).toMatch(/^HTTP\/1.1 100 Continue/);
    socket.write("body");
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1.1 200 /);
    socket.destroy();
  });

  test("given no length at all, when an object is put, then one is requested", async () => {
    const headers = { "transfer-encoding": "chunked" };
    const put = await s3.send({ method: "PUT", path: "/videos/unknown", headers, body: "x" });
    expect([put.status, elementOf(put, "Code")]).toEqual([411, "MissingContentLength"]);
  });

  test("given more than 5 GiB announced, when an object is put, then it is refused before it is sent", async () => {
    const socket = s3.openSocket();
    socket.write(`PUT /videos/huge HTTP/1.1\r\nHost: x\r\nContent-Length: ${5 * 2 ** 30 + 1}\r\n\r\n`);
    const [answer] = await once(socket, "data");
    expect(String(answer)).toContain("<Code>EntityTooLarge</Code>");
    socket.destroy();
  });

  test("given a client that closes the connection in mid-body, then no object and no file is left", async () => {
    const before = await s3.contentFiles();
    const socket = s3.openSocket();
    socket.write("PUT /videos/left HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    socket.write(bytesOf(200_000));
    await until(async () => (await s3.contentFiles()).length > before.length);
    socket.destroy();
    await until(async () => (await s3.contentFiles()).length === before.length);
    expect((await s3.send({ method: "HEAD", path: "/videos/left" })).status).toBe(404);
  });

  test("given a client that closes the connection in mid-download, when the object is read again, then it is complete", async () => {
    const content = bytesOf(5_000_000);
    await s3.send({ method: "PUT", path: "/videos/download", body: content });
    const socket = s3.openSocket();
    socket.write("GET /videos/download HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(socket, "data");
    socket.destroy();
    expect((await s3.send({ path: "/videos/download" })).body.equals(content)).toBe(true);
  });

  test("given a reader, when the object is replaced meanwhile, then the reader gets the old content whole", async () => {
    const old = bytesOf(20_000_000, 1);
    await s3.send({ method: "PUT", path: "/videos/swapped", body: old });
    const socket = s3.openSocket();
    socket.write("GET /videos/swapped HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const [first] = await once(socket, "data");
    socket.pause();
    await s3.send({ method: "PUT", path: "/videos/swapped", body: bytesOf(1000, 2) });
    const received: Buffer[] = [first];
    for await (const piece of socket) received.push(piece);
    const all = Buffer.concat(received);
    expect(all.subarray(all.indexOf("\r\n\r\n") + 4).equals(old)).toBe(true);
  });

  test.each([
    ["before it is read", "/no-such-bucket/k", "404"],
    ["in the middle", "/videos/k", "400"],
  ])(
    "given a body refused %s, when the connection is used again, then the next request is answered",
    async (_, path, status) => {
      const socket = s3.openSocket();
      const body = `nonsense\r\n${"x".repeat(5_000_000)}`;
      socket.write(
        `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n` +
          "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-decoded-content-length: 10\r\n\r\n" +
          `${body}HEAD /videos HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      let answers = "";
      for await (const piece of socket) answers += piece;
      expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`, "HTTP/1.1 200"]);
    },
  );
});
