import { useEffect } from "react";

/** Ask before the page is left with what is not saved, by a link of the panel or by closing the tab. */
export function useUnsaved(unsaved: boolean, question: string): void {
  useEffect(() => {
    if (!unsaved) return;
    const closing = (event: BeforeUnloadEvent) => event.preventDefault();
    const following = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
      if (link && !link.hasAttribute("target") && !window.confirm(question)) {
        event.preventDefault();
        event.stopPropagation();
      }
    };
    addEventListener("beforeunload", closing);
    document.addEventListener("click", following, true);
    return () => {
      removeEventListener("beforeunload", closing);
      document.removeEventListener("click", following, true);
    };
  }, [unsaved, question]);
}
