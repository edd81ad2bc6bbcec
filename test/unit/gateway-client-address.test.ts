import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clientAddress } from "../../src/gateway/client-address.ts";

const bytes = (...values: number[]) => new Uint8Array(values).buffer;
const none = bytes();

test("[GW-12] an address is counted as IPv4, also when it comes as IPv6, or as the /64 of an IPv6 one", () => {
  assert.equal(clientAddress(bytes(10, 0, 0, 7), undefined), "10.0.0.7");
  assert.equal(clientAddress(bytes(...Array(10).fill(0), 255, 255, 10, 0, 0, 7), undefined), "10.0.0.7");
  const v6 = bytes(0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9);
  assert.equal(clientAddress(v6, undefined), "2001:db8:1:2::/64");
  assert.equal(clientAddress(none, undefined), "unknown");
});

test("[GW-20] of X-Forwarded-For the last entry counts, in whatever spelling", () => {
  for (const [header, expected] of [
    ["1.2.3.4", "1.2.3.4"],
    ["evil, 9.9.9.9 , 1.2.3.4", "1.2.3.4"],
    ["2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["[2001:DB8:1:2:0:0:0:1]:443", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["::1", "0:0:0:0::/64"],
  ] as const)
    assert.equal(clientAddress(bytes(127, 0, 0, 1), header), expected);
});

test("[GW-20] whatever a proxy writes, it becomes a key of bounded length", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.ipV4(), fc.webUrl()), (header) => {
      assert.ok(clientAddress(bytes(127, 0, 0, 1), header).length <= 64);
    }),
  );
});
