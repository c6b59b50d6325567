import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { shownJson } from "./logic/events.ts";

/** JSON with a button that copies it. */
export function Json({ value }: { value: unknown }) {
  const text = shownJson(value);
  return (
    <div class="json">
      <Copy text={text} what="JSON" />
      <pre>{text}</pre>
    </div>
  );
}

export function Copy({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState<"no" | "yes" | "failed">("no");
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied("yes"),
      () => setCopied("failed"),
    );
  return (
    <button type="button" class="small" onClick={copy}>
      {{ no: `Copy ${what}`, yes: "Copied", failed: "The browser doesn't allow copying" }[copied]}
    </button>
  );
}

export const Failure = ({ children }: { children: ComponentChildren }) => (
  <p class="failure" role="alert">
    {children}
  </p>
);

/** Asks before something is changed. */
export function Confirm({
  question,
  confirm,
  onConfirm,
  onCancel,
}: {
  question: string;
  confirm: string;
  onConfirm: () => void;
  onCancel: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onCancel} aria-labelledby="question">
      <p id="question">{question}</p>
      <p class="buttons">
        <button type="button" class="primary" onClick={onConfirm}>
          {confirm}
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
      </p>
    </dialog>
  );
}

/** Runs a change; on a stage it is confirmed first. Says how it went. */
export function useChange(confirm: string | undefined): {
  dialog: ComponentChildren;
  says: string | undefined;
  error: string | undefined;
  isBusy: boolean;
  run(what: string, change: (confirm: string | undefined) => Promise<string>): void;
} {
  const [asked, setAsked] = useState<{ what: string; go: () => void } | undefined>();
  const [state, setState] = useState<{ says?: string; error?: string; isBusy: boolean }>({ isBusy: false });
  const start = (change: (confirm: string | undefined) => Promise<string>) => {
    setAsked(undefined);
    setState({ isBusy: true });
    change(confirm).then(
      (says) => setState({ says, isBusy: false }),
      (error: Error) => setState({ error: error.message, isBusy: false }),
    );
  };
  return {
    dialog: asked && (
      <Confirm
        question={`${asked.what} on the stage ${confirm}?`}
        confirm={asked.what}
        onConfirm={asked.go}
        onCancel={() => setAsked(undefined)}
      />
    ),
    says: state.says,
    error: state.error,
    isBusy: state.isBusy,
    run: (what, change) => {
      if (confirm === undefined) start(change);
      else setAsked({ what, go: () => start(change) });
    },
  };
}
