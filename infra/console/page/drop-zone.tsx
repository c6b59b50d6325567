import { useRef, useState } from "preact/hooks";
import { formatBytes } from "./logic/format.ts";
import { lengthFault } from "./logic/uploads.ts";
import { type Chosen, droppedFiles, type Options, Uploads } from "./uploads.ts";
import { useStore } from "./use-store.ts";

const chosenIn = (files: FileList | null): Chosen[] =>
  [...(files ?? [])].map((file) => ({ file, name: file.webkitRelativePath || file.name }));

/** A button that opens the browser's own dialog. */
function Choose({
  label,
  isFolder,
  onFiles,
}: {
  label: string;
  isFolder: boolean;
  onFiles: (files: Chosen[]) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class={isFolder ? "" : "primary"} onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        class="hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-label={label}
        {...(isFolder && { webkitdirectory: true })}
        onChange={({ currentTarget }) => {
          onFiles(chosenIn(currentTarget.files));
          currentTarget.value = "";
        }}
      />
    </>
  );
}

export function DropZone() {
  const store = useStore();
  const { about, client } = store;
  const [uploads] = useState(() => new Uploads(client, about?.extensions ?? [], () => store.changed()));
  const [seconds, setSeconds] = useState(String(about?.defaults.segmentSeconds ?? 30));
  const [cut, setCut] = useState<Options["cut"]>(about?.defaults.cut ?? "exact");
  const [isOver, setIsOver] = useState(false);
  const fault = lengthFault(seconds);
  const add = (chosen: Chosen[]) => uploads.add(chosen, { segmentSeconds: Number(seconds), cut });
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    if (fault === undefined && event.dataTransfer) void droppedFiles(event.dataTransfer.items).then(add);
  };
  return (
    <section
      aria-label="Upload"
      class={`drop ${isOver ? "over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={onDrop}
    >
      <p>
        <strong>Drop videos or folders here</strong> to split them.
      </p>
      <div class="fields">
        <label>
          Segment length (seconds)
          <input
            inputMode="decimal"
            value={seconds}
            aria-invalid={fault !== undefined}
            onInput={({ currentTarget }) => setSeconds(currentTarget.value)}
          />
        </label>
        <label>
          Cut
          <select value={cut} onChange={({ currentTarget }) => setCut(currentTarget.value as Options["cut"])}>
            <option value="exact">exact: at the very frame</option>
            <option value="keyframe">keyframe: copied only</option>
          </select>
        </label>
        {fault === undefined ? (
          <div class="buttons">
            <Choose label="Choose videos" isFolder={false} onFiles={add} />
            <Choose label="Choose a folder" isFolder={true} onFiles={add} />
          </div>
        ) : (
          <p class="failure" role="alert">
            {fault}
          </p>
        )}
      </div>
      <ul class="uploads">
        {uploads.views.map(({ id, name, bytes, upload }) => (
          <li key={id}>
            <span class="name">{name}</span> <span class="muted">{formatBytes(bytes)}</span>
            {upload.state === "queued" && <span class="muted"> waits for the others</span>}
            {upload.state === "sending" && (
              <progress max={1} value={upload.sent} aria-label={`Upload of ${name}`}>
                {Math.floor(upload.sent * 100)} %
              </progress>
            )}
            {upload.state === "failed" && (
              <span class="failure" role="alert">
                Not uploaded. {upload.message}{" "}
                <button type="button" class="small" onClick={() => uploads.retry(id)}>
                  Try again
                </button>{" "}
                <button type="button" class="small" onClick={() => uploads.remove(id)}>
                  Remove
                </button>
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
