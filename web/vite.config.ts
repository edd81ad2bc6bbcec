import { defineConfig } from "vite";

const proxied = process.env.PARLANCE_URL ?? "http://localhost:3000";

export default defineConfig({
  root: import.meta.dirname,
  esbuild: { jsx: "automatic" },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    // The content security policy allows no data: scripts, and an icon as a file can be cached.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // KB before compression; what is sent has a bound of its own, WEB-16.
    chunkSizeWarningLimit: 1_000,
    rollupOptions: {
      // Nothing that whoever starts the server could mend.
      onwarn: (warning, tell) => warning.code === "INVALID_ANNOTATION" || tell(warning),
      // The protocol's schemas have no side effects; without this the schema library would be in the bundle.
      treeshake: { moduleSideEffects: (id) => !/[\\/]src[\\/]protocol[\\/]|[\\/]node_modules[\\/]zod[\\/]/.test(id) },
    },
  },
  server: { proxy: { "/api": proxied, "/socket.io": { target: proxied, ws: true } } },
});
