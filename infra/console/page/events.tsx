import { useEffect, useState } from "preact/hooks";
import type { BusName, Events as EventsPage, EventView, PatternCheck, Replayed } from "../api/types.ts";
import { Copy, Failure, Json, useChange } from "./elements.tsx";
import { mergedEvents, PATTERNS, subjectOf } from "./logic/events.ts";
import { formatMoment, plural } from "./logic/format.ts";
import { useDelayed, useStore } from "./use-store.ts";

/** Events that come within this time, in milliseconds, are asked for together. */
const REFRESH_MS = 300;

/** A pattern is checked this long, in milliseconds, after the last key. */
const TYPING_MS = 300;

function usePattern(pattern: string): PatternCheck | undefined {
  const { client } = useStore();
  const [check, setCheck] = useState<PatternCheck>();
  useEffect(() => {
    let isGone = false;
    if (pattern.trim() === "") setCheck(undefined);
    else
      client.post<PatternCheck>("pattern", { pattern }).then(
        (next) => !isGone && setCheck(next),
        () => {},
      );
    return () => {
      isGone = true;
    };
  }, [client, pattern]);
  return check;
}

function useEvents(bus: BusName, pattern: string) {
  const { client, counts } = useStore();
  const [page, setPage] = useState<EventsPage | undefined>();
  const [error, setError] = useState<string>();
  const query = { bus, pattern: pattern.trim() === "" ? undefined : pattern };
  useEffect(() => setPage(undefined), [bus, pattern]);
  const count = useDelayed(counts.event, REFRESH_MS);
  useEffect(() => {
    const gone = new AbortController();
    client.get<EventsPage>("events", query, gone.signal).then(
      ({ events, more }) => {
        setError(undefined);
        setPage((shown) =>
          shown === undefined ? { events, more } : { events: mergedEvents(shown.events, events), more: shown.more },
        );
      },
      (failure: Error) => !gone.signal.aborted && setError(failure.message),
    );
    return () => gone.abort();
  }, [client, bus, pattern, count]);
  const older = async () => {
    const before = page?.events.at(-1)?.id;
    try {
      const next = await client.get<EventsPage>("events", { ...query, before });
      setPage({ events: [...(page?.events ?? []), ...next.events], more: next.more });
    } catch (failure) {
      setError((failure as Error).message);
    }
  };
  return { page, error, older };
}

function Line({ event, onReplay }: { event: EventView; onReplay: (() => void) | undefined }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <li>
      <details onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
        <summary>
          <time dateTime={event.time}>{formatMoment(event.time, new Date())}</time>
          <strong>{event["detail-type"]}</strong>
          <span class="subject">{subjectOf(event)}</span>
        </summary>
        {isOpen && (
          <>
            {onReplay && (
              <button type="button" class="small" onClick={onReplay}>
                Replay from here
              </button>
            )}
            <Json value={event} />
          </>
        )}
      </details>
    </li>
  );
}

function Rule({ check }: { check: PatternCheck }) {
  return (
    <>
      {check.refusal === undefined ? (
        <p class="good" role="status">
          EventBridge takes this pattern.
        </p>
      ) : (
        <Failure>AWS would refuse this pattern: {check.refusal}</Failure>
      )}
      {check.refusal === undefined && (
        <details class="rule">
          <summary>Make it a rule</summary>
          <h3>AWS CLI</h3>
          <Copy text={check.cli} what="the command" />
          <pre>{check.cli}</pre>
          <h3>SST</h3>
          <Copy text={check.sst} what="the line" />
          <pre>{check.sst}</pre>
        </details>
      )}
    </>
  );
}

export function Events() {
  const { about, client } = useStore();
  const [bus, setBus] = useState<BusName>("video");
  const [text, setText] = useState("");
  const pattern = useDelayed(text, TYPING_MS);
  const check = usePattern(pattern);
  const { page, error, older } = useEvents(bus, check?.refusal === undefined ? pattern : "");
  const change = useChange(about?.confirm);
  const canRead = about?.can.events === true;
  const replay = (event: EventView) =>
    change.run("Replay", async (confirm) => {
      const from = event.time;
      const { after, added, changed } = await client.post<Replayed>("replay", { from, confirm });
      return `Replayed to the projector: ${plural(after, "document")}, ${added} added, ${changed} changed.`;
    });
  return (
    <section aria-label="Events" class="stack">
      <div class="fields">
        <label>
          Bus
          <select value={bus} onChange={({ currentTarget }) => setBus(currentTarget.value as BusName)}>
            <option value="video">{about?.bus}</option>
            <option value="default">default</option>
          </select>
        </label>
        <label>
          Begin with
          <select onChange={({ currentTarget }) => setText(PATTERNS[currentTarget.value] ?? "")}>
            {Object.keys(PATTERNS).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </div>
      <label class="wide">
        Event pattern
        <textarea
          rows={4}
          spellcheck={false}
          value={text}
          placeholder='{"detail-type": ["SegmentCreated"]}'
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      {check && <Rule check={check} />}
      {change.isBusy && <p class="loading">Replaying…</p>}
      {change.says && (
        <p class="good" role="status">
          {change.says}
        </p>
      )}
      {change.error && <Failure>{change.error}</Failure>}
      {!canRead && (
        <p>
          The event log of a deployed stage is an archive of EventBridge, which can be replayed and not read. A pattern
          can be checked here, and made a rule.
        </p>
      )}
      {canRead && error && <Failure>{error}</Failure>}
      {canRead && page === undefined && error === undefined && <p class="loading">Loading events…</p>}
      {canRead && page?.events.length === 0 && <p class="empty">No event matches.</p>}
      {canRead && page && (
        <ul class="events">
          {page.events.map((event) => (
            <Line key={event.id} event={event} onReplay={bus === "video" ? () => replay(event) : undefined} />
          ))}
        </ul>
      )}
      {canRead && page?.more && (
        <button type="button" onClick={older}>
          Older events
        </button>
      )}
      {change.dialog}
    </section>
  );
}
