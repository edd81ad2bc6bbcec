import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { HttpExchange } from "./http-exchange.ts";

const compress = promisify(gzip);

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};
const COMPRESSIBLE = /^(text|application\/(json|wasm|manifest)|image\/svg)/;

/**
 * Scripts, workers and worklets from here or made here, and connections back here; nothing from anywhere else. WebAssembly
 * is allowed because a client may decode audio with it; audio worklets fall under script-src, hence its blob:.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob: mediastream:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** Headers of every page. */
export const pageHeaders: Record<string, string> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "permissions-policy": "microphone=(self), camera=(), geolocation=()",
  "cross-origin-opener-policy": "same-origin",
};

type StaticFile = { body: Buffer; gzipped: Buffer | undefined; type: string; etag: string; cache: string };

/** The built page, held in memory: it is small, and nothing on disk can be reached by a path. */
export class StaticFiles {
  readonly #files: ReadonlyMap<string, StaticFile>;

  private constructor(files: ReadonlyMap<string, StaticFile>) {
    this.#files = files;
  }

  /** Reads a folder; one that is not there holds no files. */
  static async load(root: string): Promise<StaticFiles> {
    const files = new Map<string, StaticFile>();
    let entries: Awaited<ReturnType<typeof list>> = [];
    try {
      entries = await list(root);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    for (const path of entries) {
      const body = await readFile(join(root, path));
      const type = types[extname(path)] ?? "application/octet-stream";
      const gzipped = body.length > 1_024 && COMPRESSIBLE.test(type) ? await compress(body) : undefined;
      files.set(`/${path.split(sep).join("/")}`, {
        body,
        gzipped: gzipped && gzipped.length < body.length ? gzipped : undefined,
        type,
        etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
        // Vite puts a hash of the content into the names under assets/.
        cache: path.startsWith(`assets${sep}`) ? "public, max-age=31536000, immutable" : "no-cache",
      });
    }
    return new StaticFiles(files);
  }

  /** Answers a GET or HEAD; addresses inside the page (no file extension) get the page. False when there is nothing. */
  serve(exchange: HttpExchange): boolean {
    const { path, headers } = exchange;
    const isPage = path.endsWith("/") || extname(path) === "";
    const file = this.#files.get(path) ?? (isPage ? this.#files.get("/index.html") : undefined);
    if (!file) return false;
    const common = { ...pageHeaders, etag: file.etag, "cache-control": file.cache, vary: "Accept-Encoding" };
    if (headers["if-none-match"]?.includes(file.etag)) {
      exchange.respond(304, common);
      return true;
    }
    const zip = file.gzipped && /\bgzip\b/.test(headers["accept-encoding"] ?? "") ? file.gzipped : undefined;
    const encoding: Record<string, string> = zip ? { "content-encoding": "gzip" } : {};
    exchange.respond(200, { ...common, "content-type": file.type, ...encoding }, zip ?? file.body);
    return true;
  }
}

async function list(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
