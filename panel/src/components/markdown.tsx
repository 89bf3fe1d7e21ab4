import Markdown, { type Components, type ExtraProps } from "react-markdown";
import remarkGfm from "remark-gfm";
import type { ComponentProps, JSX } from "react";
import classes from "./markdown.module.css";

type Level = "h1" | "h2" | "h3" | "h4" | "h5" | "h6";

/** A heading that can be jumped to by the number of its line. */
function heading(Tag: Level) {
  return function Heading({ node, children }: ComponentProps<Level> & ExtraProps): JSX.Element {
    return <Tag id={`line-${node?.position?.start.line ?? 0}`}>{children}</Tag>;
  };
}

const PARTS: Components = {
  h1: heading("h1"), h2: heading("h2"), h3: heading("h3"), h4: heading("h4"), h5: heading("h5"), h6: heading("h6"),
  a: ({ href, children }) => <a href={href} target="_blank" rel="noreferrer noopener">{children}</a>,
};

/** Markdown as a page. HTML in it is shown as text, never run. */
export default function Rendered({ text }: { text: string }) {
  return (
    <div className={classes.page}>
      <Markdown remarkPlugins={[remarkGfm]} components={PARTS}>{text}</Markdown>
    </div>
  );
}
