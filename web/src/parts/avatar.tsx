/** A person's initials in a circle; the name stands beside it as text. */
export function Avatar({ name, online = false }: { name: string; online?: boolean }) {
  const parts = name.trim().split(/\s+/);
  const initials = [parts[0], parts.length > 1 ? parts.at(-1) : undefined]
    .map((part) => [...(part ?? "")][0] ?? "")
    .join("");
  return (
    <span className={online ? "avatar avatar-online" : "avatar"} aria-hidden="true">
      {initials}
    </span>
  );
}
