import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const API = process.env.VOXBOT_API ?? "http://127.0.0.1:9000";

export default defineConfig({
  base: "/logs-ui/",
  plugins: [react()],
  resolve: { alias: { "~": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    // The unit `api` serves this folder; it is in the wheel, not in git.
    outDir: "../src/voxbot/admin/panel",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 500,
    // An inlined asset would be a data: URL, which the Content-Security-Policy refuses for worklets.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/logs/", "/logs?", "/kb", "/ws", "/docs", "/openapi.json"].map((path) => [path, { target: API, ws: true }]),
    ),
  },
});
