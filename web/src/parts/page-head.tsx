import { type ReactNode, useEffect, useRef } from "react";
import { useAddress } from "../router.ts";

let first = true;

/**
 * The heading of a page. After a move it takes the focus, so that a screen reader says where one is and Tab goes on
 * from there; on the first load the focus stays where the browser put it.
 */
export function PageHead({
  title,
  lead,
  back,
  children,
}: {
  title: string;
  lead?: ReactNode;
  back?: ReactNode;
  children?: ReactNode;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  const address = useAddress();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new address is what moves the focus
  useEffect(() => {
    if (first) first = false;
    else heading.current?.focus({ preventScroll: true });
  }, [address]);
  useEffect(() => {
    document.title = `${title} · Parlance`;
  }, [title]);
  return (
    <header className="page-head">
      {back}
      <div className="page-head-text">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead && <p className="lead">{lead}</p>}
      </div>
      {children && <div className="page-head-actions">{children}</div>}
    </header>
  );
}
