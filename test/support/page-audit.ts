import type { Page } from "playwright-core";

/**
 * What a person with a keyboard, a screen reader or weak eyes would stumble over on the page as it is now: one line for each.
 * Text against its ground is measured by WCAG 2.2's contrast (4.5:1, large text 3:1), as the browser computed the colours.
 */
export function auditPage(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const label = (element: Element) =>
      `<${element.tagName.toLowerCase()} class="${element.className}"> ${element.textContent?.trim().slice(0, 40)}`;
    const shown = (element: Element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });

    const headings = [...document.querySelectorAll("h1")].filter(shown);
    if (headings.length !== 1) found.push(`${headings.length} main headings`);
    if (document.querySelectorAll("main").length !== 1) found.push("not one main landmark");
    if (!document.documentElement.lang) found.push("no language");
    if (document.title === "") found.push("no title");
    if (document.documentElement.scrollWidth > innerWidth)
      found.push(`scrolls sideways by ${document.documentElement.scrollWidth - innerWidth} px`);
    for (const main of document.querySelectorAll("main"))
      if (main.scrollWidth > main.clientWidth)
        found.push(`the page in it scrolls sideways by ${main.scrollWidth - main.clientWidth} px`);

    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    for (const id of new Set(ids.filter((each, at) => ids.indexOf(each) !== at))) found.push(`id ${id} twice`);

    const nameOf = (element: Element): string => {
      const labels = (element as HTMLInputElement).labels;
      return (
        element.getAttribute("aria-label") ??
        (labels && labels.length > 0 ? [...labels].map((each) => each.textContent).join(" ") : element.textContent) ??
        ""
      ).trim();
    };
    for (const control of document.querySelectorAll("a[href], button, input, select, textarea")) {
      if (shown(control) && nameOf(control) === "") found.push(`no name: ${label(control)}`);
    }
    for (const image of document.querySelectorAll("img:not([alt])")) found.push(`no alternative: ${label(image)}`);

    // A canvas reads any colour the browser can write.
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const brush = canvas.getContext("2d", { willReadFrequently: true });
    const rgba = (color: string): [number, number, number, number] => {
      if (!brush) throw new Error("no canvas");
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = color;
      brush.fillRect(0, 0, 1, 1);
      const [r = 0, g = 0, b = 0, a = 0] = brush.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = (top: number[], ground: number[]) =>
      [0, 1, 2].map((i) => (top[i] ?? 0) * (top[3] ?? 1) + (ground[i] ?? 0) * (1 - (top[3] ?? 1)));
    const luminance = (color: number[]) => {
      const [r = 0, g = 0, b = 0] = color.map((part) => {
        const c = part / 255;
        return c <= 0.040_45 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const groundOf = (element: Element | null): number[] => {
      if (!element)
        return rgba(getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "#000" : "#fff");
      const own = rgba(getComputedStyle(element).backgroundColor);
      return own[3] === 1 ? own : over(own, groundOf(element.parentElement));
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const seen = new Set<Element>();
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!element || seen.has(element) || !walker.currentNode.textContent?.trim() || !shown(element)) continue;
      seen.add(element);
      // Hidden but for screen readers, or of a control that is off: WCAG asks for no contrast there.
      if (element.closest(".hidden, :disabled, .skip, noscript")) continue;
      const style = getComputedStyle(element);
      const ground = groundOf(element);
      const text = over(rgba(style.color), ground);
      const [dark = 0, light = 0] = [luminance(text), luminance(ground)].sort((a, b) => a - b);
      const ratio = (light + 0.05) / (dark + 0.05);
      const size = Number.parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) found.push(`contrast ${ratio.toFixed(2)}: ${label(element)}`);
    }
    return found;
  });
}
