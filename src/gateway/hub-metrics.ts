import type { Metrics } from "../lib/metrics.ts";

export type HubMetrics = ReturnType<typeof hubMetrics>;

/** What the hub counts. Labels come from closed lists only, so that a client can't make new series. */
export function hubMetrics(metrics: Metrics, read: { connections: () => number; inFlight: () => number }) {
  metrics.gauge("connections", "Authenticated sockets open on this node.", read.connections);
  metrics.gauge("calls_in_flight", "Calls that are being answered.", read.inFlight);
  return {
    calls: metrics.counter("calls_total", "Socket calls by name and by code (OK or the error's).", ["name", "code"]),
    callSeconds: metrics.histogram("call_seconds", "Time from a call's arrival to its reply.", ["name"]),
    unanswerable: metrics.counter("calls_without_ack_total", "Calls dropped because they asked for no reply."),
    frames: metrics.counter("drill_frames_total", "drill.frame messages by outcome.", ["outcome"]),
    pushes: metrics.counter("pushes_total", "Pushes published on this node, by name.", ["name"]),
    connects: metrics.counter("connects_total", "Connection attempts by code (OK or the error's).", ["code"]),
    ended: metrics.counter("sessions_ended_total", "Connections that the server ended, by reason.", ["reason"]),
    slowReaders: metrics.counter("slow_readers_total", "Connections closed because they did not read."),
    rateLimited: metrics.counter("rate_limited_total", "Requests refused by a rate or connection limit.", ["scope"]),
    rest: metrics.counter("rest_requests_total", "REST requests by endpoint and code.", ["name", "code"]),
  };
}
