import { type FormEvent, type KeyboardEvent, useId, useRef, useState } from "react";
import { Icon } from "./icon.tsx";

/** One line that grows; Enter sends, Shift+Enter breaks the line. With `start` it begins with that text, in focus. */
export function Composer({
  label,
  max,
  onSend,
  onTyped,
  start,
  disabled = false,
}: {
  label: string;
  max: number;
  onSend: (text: string) => void;
  /** After each change of the text by hand. */
  onTyped?: () => void;
  start?: string | undefined;
  disabled?: boolean;
}) {
  const id = useId();
  const [text, setText] = useState(start ?? "");
  const form = useRef<HTMLFormElement>(null);
  const empty = text.trim() === "";

  const send = (event: FormEvent) => {
    event.preventDefault();
    if (empty || disabled) return;
    onSend(text.trim());
    setText("");
  };
  const keys = (event: KeyboardEvent) => {
    // isComposing: Enter that only ends an input method's word must not send.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    form.current?.requestSubmit();
  };

  return (
    <form className="composer" ref={form} onSubmit={send}>
      <label className="hidden" htmlFor={id}>
        {label}
      </label>
      <textarea
        id={id}
        className="input"
        rows={1}
        placeholder={label}
        maxLength={max}
        value={text}
        disabled={disabled}
        // biome-ignore lint/a11y/noAutofocus: one has just chosen to write this
        autoFocus={start !== undefined}
        onChange={(event) => {
          setText(event.target.value);
          onTyped?.();
        }}
        onKeyDown={keys}
      />
      <button type="submit" className="button button-main button-round" disabled={disabled || empty} aria-label="Send">
        <Icon name="send" />
      </button>
    </form>
  );
}
