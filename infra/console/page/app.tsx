import { useEffect, useState } from "preact/hooks";
import { DeadLetters } from "./dead-letters.tsx";
import { Documents } from "./documents.tsx";
import { Events } from "./events.tsx";
import { Faults } from "./faults.tsx";
import { type PageAddress, readAddress, TABS, type Tab, writeAddress } from "./logic/address.ts";
import { useStore } from "./use-store.ts";
import { Videos } from "./videos.tsx";

const NAMES: Record<Tab, string> = {
  videos: "Videos",
  events: "Events",
  documents: "Documents",
  "dead-letters": "Dead letters",
  faults: "Faults",
};

/** The tab and the document that the page's address names, and how to go to another. */
function useAddress(): [PageAddress, (next: Partial<PageAddress>) => void] {
  const [address, setAddress] = useState(() => readAddress(location.hash));
  useEffect(() => {
    const read = () => setAddress(readAddress(location.hash));
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const go = (next: Partial<PageAddress>) => {
    const changed = { ...address, ...next };
    history.replaceState(undefined, "", writeAddress(changed));
    setAddress(changed);
  };
  return [address, go];
}

function Status() {
  const { connection, about, refusal } = useStore();
  const where = about === undefined ? "" : about.where === "local" ? "local stack" : `stage ${about.name}`;
  const says = {
    loading: "Connecting…",
    online: `Connected: ${where}${about?.can.events ? "" : ", read every 5 seconds"}`,
    offline: `Offline: ${where || "the stack"} doesn't answer. Is it running? This page connects again by itself.`,
    refused: refusal,
  }[connection];
  return (
    <p class={`status ${connection}`} role="status">
      {says}
    </p>
  );
}

export function App() {
  const { about, connection, announcement } = useStore();
  const [{ tab, document }, go] = useAddress();
  const tabs = TABS.filter((each) => each !== "faults" || about?.can.faults === true);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]!;
    go({ tab: next });
    window.document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <>
      <header>
        <h1>Video Split</h1>
        <Status />
      </header>
      <div class="tabs" role="tablist" aria-label="Sections" onKeyDown={onKeyDown}>
        {tabs.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            id={`tab-${each}`}
            aria-selected={each === tab}
            aria-controls="section"
            tabIndex={each === tab ? 0 : -1}
            onClick={() => go({ tab: each })}
          >
            {NAMES[each]}
          </button>
        ))}
      </div>
      <main>
        <div id="section" role="tabpanel" aria-labelledby={`tab-${tab}`}>
          {about === undefined ? (
            <p class="loading">{connection === "loading" ? "Loading…" : "Nothing can be shown until it answers."}</p>
          ) : (
            <>
              {tab === "videos" && <Videos onDocument={(id) => go({ tab: "documents", document: String(id) })} />}
              {tab === "events" && <Events />}
              {tab === "documents" && <Documents id={document} onId={(id) => go({ document: id })} />}
              {tab === "dead-letters" && <DeadLetters />}
              {tab === "faults" && <Faults />}
            </>
          )}
        </div>
      </main>
      <p class="announcement" aria-live="polite">
        {announcement}
      </p>
    </>
  );
}
