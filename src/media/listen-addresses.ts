import { networkInterfaces } from "node:os";

/** Where media listens, and as what clients are told to reach it. */
export type ListenAddress = { ip: string; announcedAddress?: string };

/**
 * The addresses media workers bind. A wildcard address is no place clients could send to: without an announced address it
 * stands for each of the machine's own addresses (loopback included, so that a demo on one machine works offline).
 */
export function listenAddresses(address: string, announced: string | undefined): ListenAddress[] {
  if (announced !== undefined) return [{ ip: address, announcedAddress: announced }];
  if (address !== "0.0.0.0" && address !== "::") return [{ ip: address }];
  const own = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter((entry) => entry.family === "IPv4" || (address === "::" && !entry.address.startsWith("fe80:")))
    // Real networks first: clients try candidates in this order of priority.
    .sort((a, b) => Number(a.internal) - Number(b.internal));
  return [...new Set(own.map((entry) => entry.address))].map((ip) => ({ ip }));
}
