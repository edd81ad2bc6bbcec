import type { ComponentProps, MouseEvent } from "react";
import { navigate, pathOf, type Route } from "../router.ts";

/** A real link, so that it opens in a new tab too; a plain click stays in the page. */
export function Link({ to, onClick, ...rest }: Omit<ComponentProps<"a">, "href"> & { to: Route }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a {...rest} href={pathOf(to)} onClick={follow} />;
}
