import { useState } from "preact/hooks";
import type { DeadLetterView, EventView, Redriven } from "../api/types.ts";
import { Failure, Json, useChange } from "./elements.tsx";
import { subjectOf } from "./logic/events.ts";
import { formatMoment, plural } from "./logic/format.ts";
import { useAnswer, useStore } from "./use-store.ts";

const subject = ({ event }: DeadLetterView): string => {
  const isEvent = typeof event === "object" && event !== null && "detail-type" in event;
  return isEvent ? `${(event as EventView)["detail-type"]} ${subjectOf(event as EventView)}` : "not an event";
};

/** How redrives went, in sentences. */
function outcome(redriven: readonly Redriven[]): string {
  const kept = redriven.filter(({ handled }) => !handled);
  const handled = plural(redriven.length - kept.length, "dead letter");
  return kept.length === 0
    ? `${handled} redriven.`
    : `${handled} redriven, ${kept.length} kept: ${[...new Set(kept.map(({ says }) => says))].join("; ")}.`;
}

export function DeadLetters() {
  const { client, counts, about } = useStore();
  const [times, setTimes] = useState(0);
  const { value, error, isLoading } = useAnswer(
    (signal) => client.get<DeadLetterView[]>("dead-letters", {}, signal),
    [client, counts.deadLetter, times],
  );
  const change = useChange(about?.confirm);
  const redrive = (ids?: string[]) =>
    change.run(ids === undefined ? "Redrive all dead letters" : "Redrive this dead letter", async (confirm) => {
      const redriven = await client.post<Redriven[]>("dead-letters/redrive", { ids, confirm });
      setTimes((count) => count + 1);
      return outcome(redriven);
    });
  return (
    <section aria-label="Dead letters" class="stack">
      <p>
        Events that couldn't be delivered, or whose function failed at each attempt. A redrive invokes the function
        again; a dead letter is deleted when its event was handled.
      </p>
      <p class="buttons">
        <button type="button" disabled={isLoading} onClick={() => setTimes(times + 1)}>
          Refresh
        </button>
        <button
          type="button"
          class="primary"
          disabled={change.isBusy || value === undefined || value.length === 0}
          onClick={() => redrive()}
        >
          Redrive all
        </button>
      </p>
      {change.isBusy && <p class="loading">Redriving…</p>}
      {change.says && (
        <p class="good" role="status">
          {change.says}
        </p>
      )}
      {(change.error ?? error) && <Failure>{change.error ?? error}</Failure>}
      {value === undefined && error === undefined && <p class="loading">Reading the queues…</p>}
      {value?.length === 0 && <p class="empty">There are no dead letters.</p>}
      <ul class="events">
        {value?.map((deadLetter) => (
          <li key={deadLetter.id}>
            <details>
              <summary>
                <time dateTime={deadLetter.sentAt}>{formatMoment(deadLetter.sentAt, new Date())}</time>
                <strong>{subject(deadLetter)}</strong>
                <span class="subject">
                  {deadLetter.source} {deadLetter.attempts !== undefined && plural(deadLetter.attempts, "attempt")}
                </span>
              </summary>
              <Json value={deadLetter} />
            </details>
            {deadLetter.errorCode && (
              <p class="why">
                {deadLetter.errorCode}: {deadLetter.errorMessage}
              </p>
            )}
            <button type="button" class="small" disabled={change.isBusy} onClick={() => redrive([deadLetter.id])}>
              Redrive
            </button>
          </li>
        ))}
      </ul>
      {change.dialog}
    </section>
  );
}
