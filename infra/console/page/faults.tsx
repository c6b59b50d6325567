import { useState } from "preact/hooks";
import type { Faults as FaultsView } from "../api/types.ts";
import { Failure } from "./elements.tsx";
import { formatMoment } from "./logic/format.ts";
import { useAnswer, useStore } from "./use-store.ts";

export function Faults() {
  const { client, faults } = useStore();
  const [switched, setSwitched] = useState<FaultsView>();
  const [failure, setFailure] = useState<string>();
  const { value, error } = useAnswer((signal) => client.get<FaultsView>("faults", {}, signal), [client]);
  const shown = switched ?? value;
  const toggle = (name: string, on: boolean) => {
    const names = (shown?.switches ?? [])
      .filter((each) => (each.name === name ? on : each.on))
      .map((each) => each.name);
    client.post<FaultsView>("faults", { on: names }).then(setSwitched, (reason: Error) => setFailure(reason.message));
  };
  return (
    <section aria-label="Faults" class="stack">
      <p>
        Faults that are on happen to deliveries and requests from now on. Each upload must still end with the same
        segments and the same documents. Your uploads are never changed.
      </p>
      {(failure ?? error) && <Failure>{failure ?? error}</Failure>}
      <ul class="switches">
        {shown?.switches.map(({ name, does, on }) => (
          <li key={name}>
            <label>
              <input
                type="checkbox"
                role="switch"
                aria-checked={on}
                checked={on}
                onChange={({ currentTarget }) => toggle(name, currentTarget.checked)}
              />
              <strong>{name}</strong> {does}
            </label>
          </li>
        ))}
      </ul>
      {shown !== undefined && shown.seeded.length > 0 && <p>On since the start: {shown.seeded.join(", ")}.</p>}
      <h2>What happened</h2>
      {faults.length === 0 && <p class="empty">No fault happened since this page was opened.</p>}
      <ul class="events">
        {faults.map(({ fault, time }, at) => (
          <li key={faults.length - at}>
            <time dateTime={time}>{formatMoment(time, new Date())}</time> {fault}
          </li>
        ))}
      </ul>
    </section>
  );
}
