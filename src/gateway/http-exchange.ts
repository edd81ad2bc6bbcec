import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { AppError } from "../lib/app-error.ts";

const HEADERS = [
  "authorization",
  "origin",
  "host",
  "content-type",
  "if-none-match",
  "accept",
  "accept-encoding",
] as const;

/** One HTTP request. uWebSockets.js lends the request for one turn only and throws when one answers a client that left. */
export class HttpExchange {
  readonly method: string;
  readonly path: string;
  /** Without the question mark, still encoded. */
  readonly query: string;
  readonly headers: Partial<Record<(typeof HEADERS)[number], string>> = {};
  readonly #res: HttpResponse;
  #done = false;

  constructor(res: HttpResponse, req: HttpRequest) {
    this.#res = res;
    this.method = req.getMethod().toUpperCase();
    this.path = req.getUrl();
    this.query = req.getQuery() ?? "";
    for (const name of HEADERS) {
      const value = req.getHeader(name);
      if (value !== "") this.headers[name] = value;
    }
    res.onAborted(() => {
      this.#done = true;
    });
  }

  /** The body as text. Must be called in the turn the request came in. @throws AppError PAYLOAD_TOO_LARGE */
  body(limitBytes: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      this.#res.onData((chunk, isLast) => {
        bytes += chunk.byteLength;
        if (bytes > limitBytes) {
          chunks.length = 0;
          reject(new AppError("PAYLOAD_TOO_LARGE", undefined, { limitBytes }));
          return;
        }
        // A copy: the memory is uWS's own.
        chunks.push(Buffer.from(new Uint8Array(chunk)));
        if (isLast) resolve(Buffer.concat(chunks).toString("utf8"));
      });
    });
  }

  /** Answers once; a second answer, or one to a client that left, is dropped. */
  respond(status: number, headers: Record<string, string>, body: string | Uint8Array = ""): void {
    if (this.#done) return;
    this.#done = true;
    this.#res.cork(() => {
      this.#res.writeStatus(`${status} ${reasons[status] ?? "Error"}`);
      for (const [name, value] of Object.entries(headers)) this.#res.writeHeader(name, value);
      if (this.method === "HEAD") this.#res.endWithoutBody(Buffer.byteLength(body));
      // After a body that was cut off, the rest of it must not be read as the next request.
      else this.#res.end(body, status === 413);
    });
  }
}

const reasons: Record<number, string> = {
  200: "OK",
  204: "No Content",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  410: "Gone",
  413: "Payload Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
