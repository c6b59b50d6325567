import { describe, expect, it } from "vitest";
import { atJsonPath, isJsonPath } from "../../../infra/emulator/events/json-path.ts";

const event = {
  "detail-type": "T",
  detail: { list: [{ id: 1 }, { id: 2 }], "a b": null, rows: [[1], [2, 3]], x: { y: 3, z: 4 } },
};

describe("atJsonPath", () => {
  it.each([
    ["$", event],
    ["$.detail-type", "T"],
    ["$.detail.list[1].id", 2],
    ["$['detail']['a b']", null],
    ['$["detail"].x.y', 3],
    ["$.detail.list[*].id", [1, 2]],
    ["$.detail.x.*", [3, 4]],
    ["$.detail.none[*]", []],
    ["$.detail.rows[*][1]", [3]],
    ["$.detail.list[2]", undefined],
    ["$.detail.list.length", undefined],
    ["$.detail.toString", undefined],
    ["$.none.deeper", undefined],
  ])("given %s, then it returns the value at that path", (path, expected) => {
    expect(atJsonPath(event, path)).toEqual(expected);
  });

  it.each(["", "detail", "$detail", "$.", "$..id", "$.a[", "$.a[-1]", "$.a[?(@.b)]", "$.a b"])(
    "given %j, then it is no path",
    (path) => {
      expect(isJsonPath(path)).toBe(false);
      expect(atJsonPath(event, path)).toBeUndefined();
    },
  );
});
