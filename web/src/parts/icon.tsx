const paths = {
  rooms: "M4 14v-3a8 8 0 0 1 16 0v3M4 14h3v6H5.5A1.5 1.5 0 0 1 4 18.5zM20 14h-3v6h1.5a1.5 1.5 0 0 0 1.5-1.5z",
  messages: "M4 5h16v11H9.5L5.5 19.5V16H4z",
  practice: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21",
  history: "M4 12a8 8 0 1 0 2.600-5.900M4 4v4h4M12 8v4.5l3 2",
  micOff:
    "M9 6a3 3 0 0 1 6 0v4.5M15 11v0a3 3 0 0 1-5.400 1.800M5.5 11a6.5 6.5 0 0 0 10.5 5M18.5 11a6.5 6.5 0 0 1-.4 2.200M12 17.5V21M4 4l16 16",
  leave: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  back: "M15 5l-7 7 7 7",
  plus: "M12 5v14M5 12h14",
  send: "M4 12l16-7-6 16-3-7z",
  again: "M20 12a8 8 0 1 1-2.600-5.900M20 4v4h-4",
  stop: "M7 7h10v10H7z",
  play: "M8 5.5v13l10.500-6.500z",
  next: "M9 5l7 7-7 7",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
  progress: "M4 20h16M6.500 16v-4M12 16V6M17.500 16V9",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20a6 6 0 0 1 12 0M16 4.5a3.5 3.5 0 0 1 0 6.5M17.5 14.5A6 6 0 0 1 21 20",
  sound: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  door: "M6 21V4l9-1.5V21M15 5h3v16M4 21h16M11.5 12v.5",
} as const;

export type IconName = keyof typeof paths;

/** Decoration only: what it means is said in text beside it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
