import { type FormEvent, useEffect, useId, useState } from "react";
import { ParlanceError, type Session, type SignedOutReason } from "#client";
import { type EndpointReply, limits } from "#protocol";

import { Failure } from "../parts/notice.tsx";

type Way = "guest" | "signIn" | "signUp";
const ways: { way: Way; label: string; action: string }[] = [
  { way: "guest", label: "Guest", action: "Come in" },
  { way: "signIn", label: "Sign in", action: "Sign in" },
  { way: "signUp", label: "New account", action: "Make the account" },
];
const reasons: Record<SignedOutReason, string | null> = {
  never: null,
  signedOut: "You are signed out.",
  revoked: "Your session is over. Sign in again.",
  banned: "You are banned from this server.",
};

export function SignInPage({ session, reason }: { session: Session; reason: SignedOutReason }) {
  const [info, setInfo] = useState<EndpointReply<"serverInfo">>();
  const [chosen, setChosen] = useState<Way>("guest");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const id = useId();

  useEffect(() => {
    document.title = "Sign in · Parlance";
    session.serverInfo().then(setInfo, () => undefined);
  }, [session]);

  const offered = ways.filter(
    ({ way }) => !info || (way === "guest" ? info.guests : way === "signIn" || info.accounts),
  );
  const current = offered.find(({ way }) => way === chosen) ?? (offered[0] as (typeof ways)[number]);
  const withPassword = current.way !== "guest";

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const name = String(form.get("name") ?? "").trim();
    const password = String(form.get("password") ?? "");
    setBusy(true);
    setError(undefined);
    try {
      if (current.way === "guest") await session.signInAsGuest(name);
      else if (current.way === "signIn") await session.signIn(name, password);
      else await session.signUp(name, password);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  }

  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <img src="/favicon.svg" alt="" width="44" height="44" />
        <h1>Parlance</h1>
        <p className="lead">Talk with others, write to them, and hear how your English sounds.</p>
        {reasons[reason] && !error ? (
          <p className="notice" role="status">
            {reasons[reason]}
          </p>
        ) : null}
        <fieldset className="segments">
          <legend className="hidden">How to come in</legend>
          {offered.map(({ way, label }) => (
            <label key={way}>
              <input
                type="radio"
                name="way"
                value={way}
                checked={way === current.way}
                onChange={() => {
                  setChosen(way);
                  setError(undefined);
                }}
              />
              <span>{label}</span>
            </label>
          ))}
        </fieldset>
        <form onSubmit={submit} className="stack">
          <div className="field">
            <label htmlFor={`${id}-name`}>Your name</label>
            <input
              id={`${id}-name`}
              name="name"
              required
              maxLength={limits.userName}
              autoComplete={withPassword ? "username" : "nickname"}
              placeholder="What others see"
            />
          </div>
          {withPassword && (
            <div className="field">
              <label htmlFor={`${id}-password`}>Password</label>
              <input
                id={`${id}-password`}
                name="password"
                type="password"
                required
                minLength={current.way === "signUp" ? limits.passwordMin : undefined}
                maxLength={limits.password}
                autoComplete={current.way === "signUp" ? "new-password" : "current-password"}
                aria-describedby={current.way === "signUp" ? `${id}-hint` : undefined}
              />
              {current.way === "signUp" && (
                <p className="hint" id={`${id}-hint`}>
                  {limits.passwordMin} characters or more.
                </p>
              )}
            </div>
          )}
          {error ? <SignInFailure error={error} way={current.way} /> : null}
          <button type="submit" className="button button-main" disabled={busy}>
            {busy ? "One moment…" : current.action}
          </button>
        </form>
        {current.way === "guest" && (
          <p className="hint">A guest needs nothing but a name. With an account you can come back from any device.</p>
        )}
      </div>
    </main>
  );
}

function SignInFailure({ error, way }: { error: unknown; way: Way }) {
  if (error instanceof ParlanceError && error.code === "INVALID_REQUEST")
    return (
      <p className="notice notice-bad" role="alert">
        {way === "guest" ? "This name can't be used. Take plain letters." : "Check the name and the password."}
      </p>
    );
  return <Failure error={error} />;
}
