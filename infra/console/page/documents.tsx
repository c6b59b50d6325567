import { useEffect, useState } from "preact/hooks";
import { Failure, Json } from "./elements.tsx";
import { useAnswer, useStore } from "./use-store.ts";

function Item({ id }: { id: string }) {
  const { client, counts, about } = useStore();
  const { value, error, isLoading } = useAnswer(
    (signal) => client.get<Record<string, unknown>>(`documents/${id}`, {}, signal),
    [client, id, counts.documents],
  );
  if (error !== undefined) return <Failure>{error}</Failure>;
  if (value === undefined) return <p class="loading">{isLoading ? "Loading the document…" : ""}</p>;
  return (
    <>
      <p>
        Item <code>{id}</code> of the table <code>{about?.table}</code>
      </p>
      <Json value={value} />
    </>
  );
}

export function Documents({ id, onId }: { id: string; onId: (id: string) => void }) {
  const { state } = useStore();
  const [text, setText] = useState(id);
  useEffect(() => setText(id), [id]);
  const show = (event: Event) => {
    event.preventDefault();
    if (/^\d+$/.test(text.trim())) onId(text.trim());
  };
  return (
    <section aria-label="Documents" class="stack">
      <form class="fields" onSubmit={show}>
        <label>
          VideoId
          <input inputMode="numeric" value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
        </label>
        <button type="submit">Show</button>
      </form>
      {id === "" ? (
        <ul class="choices">
          {state.videos.map(({ VideoId, name, status }) => (
            <li key={VideoId}>
              <button type="button" onClick={() => onId(String(VideoId))}>
                {name} <span class="badge">{status}</span>
              </button>
            </li>
          ))}
          {state.videos.length === 0 && <li class="empty">There is no document yet.</li>}
        </ul>
      ) : (
        <>
          <button type="button" class="small" onClick={() => onId("")}>
            All videos
          </button>
          <Item id={id} />
        </>
      )}
    </section>
  );
}
