import type { DifferencePart } from "#client";

/** What was corrected: struck and underlined, and said in words to who does not see that. */
export function Difference({ parts }: { parts: readonly DifferencePart[] }) {
  return parts.map((part, at) => {
    // Parts have no identity beyond their place.
    const key = at;
    if (part.kind === "same") return <span key={key}>{part.text}</span>;
    if (part.kind === "removed")
      return (
        <del key={key}>
          <span className="hidden">[not: </span>
          {part.text}
          <span className="hidden">]</span>
        </del>
      );
    return (
      <ins key={key}>
        <span className="hidden">[but: </span>
        {part.text}
        <span className="hidden">]</span>
      </ins>
    );
  });
}
