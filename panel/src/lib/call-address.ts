/** The page of a call, by its id. */
export function callAddress(id: string): string {
  return `/calls/${encodeURIComponent(id)}`;
}

/**
 * The id in the address of a call's page, as the browser has it: the router has already decoded its own copy, though
 * not the slashes, and what is decoded twice is another id or none.
 */
export function callIdOf(pathname: string): string {
  const written = pathname.slice(pathname.indexOf("/calls/") + "/calls/".length);
  try {
    return decodeURIComponent(written);
  } catch {
    return written;
  }
}
