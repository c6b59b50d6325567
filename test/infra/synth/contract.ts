/** A resource of the program, and the simulated cloud's response. */
export type Resource = {
  /** Pulumi's type, such as "aws:sqs/queue:Queue". */
  type: string;
  /** Logical name. */
  name: string;
  id: string;
  inputs: Readonly<Record<string, unknown>>;
  state: Readonly<Record<string, unknown>>;
  options: { retainOnDelete: boolean; protect: boolean /** Looked up, not created. */; read: boolean };
};

/** SST's `$app`, as `app()` of sst.config.ts gives it. */
export type App = {
  name: string;
  stage: string;
  removal: string;
  protect: boolean;
  version: string;
  providers: { aws: { version: string; region: string } };
};

/** The arguments of SST's builder for a function. */
export type Build = {
  functionID: string;
  handler: string;
  runtime: string;
  properties: {
    architecture: string;
    install?: Record<string, string>;
    format?: string;
    minify?: boolean;
    esbuild?: Record<string, unknown>;
  };
  /**
   * Programs that the hook after the build put into the function's `bin`, where everyone may
   * execute them.
   */
  programs?: string[];
};

export type SynthOptions = {
  stage: string;
  /** Contents of settings.json. */
  settings: unknown;
  /** As `sst dev` runs it. */
  dev?: boolean;
  /** Existing resources of the simulated cloud: state of resources that are looked up, by type. */
  found?: Record<string, Record<string, unknown>>;
  /**
   * Architecture of the programs that FFMPEG_BIN and FFPROBE_BIN name; null: they are unset, and no
   * host can be reached.
   */
  programs?: "arm64" | "x86_64" | null;
};

/** What the program and the mocks share: `globalThis.synth`. */
export type SynthInput = {
  app: App;
  cli: unknown;
  dev: boolean;
  settings: unknown;
  found: Record<string, Record<string, unknown>>;
  resources: Resource[];
  outputs: unknown;
};

/** The result of a synthesis. */
export type Synthesis = { app: App; resources: Resource[]; outputs: Record<string, unknown>; builds: Build[] };
