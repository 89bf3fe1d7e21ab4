/** The key of the API: asked for when first needed, kept for this browser session, asked for again when refused. */

const STORED = "voxbot-key";

type Asker = (wrong: boolean) => Promise<string | null>;

let asker: Asker = async () => null;
let asking: Promise<string | null> | null = null;

export function storedKey(): string | null {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}

export function forgetKey(): void {
  try {
    sessionStorage.removeItem(STORED);
  } catch {
    // Nothing is kept where storage is forbidden.
  }
}

/** Say who asks the viewer: the key modal, while the panel is mounted. */
export function setKeyAsker(ask: Asker): void {
  asker = ask;
}

/** Ask once, however many requests wait for the answer. Null: the viewer declined. */
export function askKey(wrong: boolean): Promise<string | null> {
  asking ??= asker(wrong)
    .then((key) => {
      if (key) {
        try {
          sessionStorage.setItem(STORED, key);
        } catch {
          // The key then serves for this one request.
        }
      }
      return key;
    })
    .finally(() => {
      asking = null;
    });
  return asking;
}
