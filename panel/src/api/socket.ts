import { askKey, storedKey } from "./key";
import { api, ApiProblem, KeyDeclined, unwrap } from "./client";

const OURS = "voxbot";

/**
 * Open a websocket of the API. A page cannot give it a header, so the key goes as a subprotocol
 * (src/voxbot/admin/sockets.py). Rejects with ApiProblem or KeyDeclined.
 */
export async function socketTo(path: string): Promise<WebSocket> {
  const { reads_need_key } = await unwrap(api.GET("/api/system"));
  let key = storedKey();
  if (reads_need_key && key === null) {
    key = await askKey(false);
    if (key === null) throw new KeyDeclined();
  }
  const url = new URL(path, location.origin.replace(/^http/, "ws"));
  const socket = new WebSocket(url, key === null ? [OURS] : [OURS, `key.${base64url(key)}`]);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new ApiProblem("", "unreachable", 0));
  });
}

function base64url(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
