import { lazy, type ComponentType } from "react";

/** A part of the panel could not be loaded, and loading the page anew would bring the same panel. */
export class PartMissing extends Error {}

/**
 * A part of the panel that is loaded when it is first shown. After an upgrade the service has other files, and the page
 * is loaded anew; a page that is of the present version already throws PartMissing.
 */
export function lazyPart<P>(load: () => Promise<{ default: ComponentType<P> }>) {
  return lazy(() =>
    load().catch(async (error: unknown) => {
      if (!(await isOutdated())) throw new PartMissing(String(error));
      location.reload();
      return new Promise<never>(() => undefined);
    }),
  );
}

/** Whether the service has another panel by now than this page is of. */
async function isOutdated(): Promise<boolean> {
  const own = document.querySelector("script[type=module][src]")?.getAttribute("src");
  try {
    const index = await fetch(import.meta.env.BASE_URL, { cache: "no-store" });
    return index.ok && !!own && !(await index.text()).includes(own);
  } catch {
    return false;
  }
}
