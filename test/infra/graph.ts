import { parseSettings } from "../../infra/settings.ts";
import { type Topology, topology } from "../../infra/topology.ts";
import type { Build, Resource, Synthesis } from "./synth/contract.ts";

type Inputs = Record<string, unknown>;

export type Statement = {
  Effect: string;
  Action: string[];
  Resource: string[];
  Principal?: Record<string, string[]>;
  Condition?: Record<string, Record<string, string[]>>;
};

const statementsOf = (policy: unknown): Statement[] => JSON.parse(String(policy)).Statement as Statement[];

/** The resources of a stage, with functions to follow references between them. */
export class Graph {
  readonly synthesis: Synthesis;
  /** This stage's own part of settings.json. */
  readonly settings: Record<string, unknown>;

  constructor(synthesis: Synthesis, settings: Record<string, unknown>) {
    this.synthesis = synthesis;
    this.settings = settings;
  }

  /** All resources of a type, such as "sqs/queue:Queue". */
  all(type: string): Resource[] {
    return this.synthesis.resources.filter((resource) => resource.type === `aws:${type}`);
  }

  /** The one resource of this type whose input or state has this value. Undefined where there is none. */
  find(type: string, property: string, value: unknown): Resource | undefined {
    return this.all(type).find(({ inputs, state }) => (inputs[property] ?? state[property]) === value);
  }

  /** By logical name. Throws where there is none: then nothing else of the graph can be right. */
  named(type: string, name: string): Resource {
    const found = this.all(type).find((resource) => resource.name === name);
    if (found === undefined) throw new Error(`There is no ${type} named ${name}`);
    return found;
  }

  /** What the stage uses: what its settings name, or else its own. */
  used(type: string, name: string): Resource {
    return this.all(type).find((resource) => resource.name === `Attached${name}`) ?? this.named(type, name);
  }

  /** The topology of this stage, with the physical names that the graph has. */
  get topology(): Topology<string> {
    const { stage, name } = this.synthesis.app;
    return topology(parseSettings(this.settings), {
      uploads: String(this.used("s3/bucket:Bucket", "UploadsBucket").state.bucket),
      segments: String(this.used("s3/bucket:Bucket", "SegmentsBucket").state.bucket),
      videos: String(this.used("dynamodb/table:Table", "VideosTable").state.name),
      ledger: String(this.named("dynamodb/table:Table", "LedgerTable").state.name),
      bus: `${name}-${stage}`,
      archive: `${name}-${stage}-log`,
      metrics: `VideoSplit/${stage}`,
    });
  }

  /** The Lambda function that SST made of a topology's function: followed from the component of its name. */
  lambda(id: string): Resource {
    return this.named("lambda/function:Function", `${id.charAt(0).toUpperCase()}${id.slice(1)}Function`);
  }

  /** The dead-letter queue of a topology's id. */
  queue(id: string): Resource {
    return this.named("sqs/queue:Queue", `${id.charAt(0).toUpperCase()}${id.slice(1)}Queue`);
  }

  roleOf(lambda: Resource): Resource | undefined {
    return this.find("iam/role:Role", "arn", lambda.inputs.role);
  }

  /** What a role may do: all statements of its inline policies. */
  permissionsOf(role: Resource): Statement[] {
    const policies = (role.inputs.inlinePolicies ?? []) as { policy: string }[];
    return policies.flatMap(({ policy }) => statementsOf(policy));
  }

  /** Statements of the policies that are attached to a resource, by the property that names it. */
  policiesOn(type: string, property: string, value: unknown): Statement[][] {
    return this.all(type)
      .filter(({ inputs }) => inputs[property] === value)
      .map(({ inputs }) => statementsOf(inputs.policy));
  }

  /** The same graph with other resources. */
  #having(resources: Resource[]): Graph {
    return new Graph({ ...this.synthesis, resources }, this.settings);
  }

  /** Without the resources of this type that `which` names; of this type at all, where it's left out. */
  without(type: string, which: (resource: Resource) => boolean = () => true): Graph {
    return this.#having(
      this.synthesis.resources.filter((resource) => !(resource.type === `aws:${type}` && which(resource))),
    );
  }

  /** With other inputs for the resources of this type that `which` names. */
  with(type: string, change: (inputs: Inputs) => Inputs, which: (resource: Resource) => boolean = () => true): Graph {
    return this.#having(
      this.synthesis.resources.map((resource) =>
        resource.type === `aws:${type}` && which(resource)
          ? { ...resource, inputs: { ...resource.inputs, ...change({ ...resource.inputs }) } }
          : resource,
      ),
    );
  }

  /** With one more resource. */
  plus(resource: Resource): Graph {
    return this.#having([...this.synthesis.resources, resource]);
  }

  /** With functions built otherwise. */
  withBuilds(change: Partial<Build["properties"]>): Graph {
    const builds = this.synthesis.builds.map((build) => ({ ...build, properties: { ...build.properties, ...change } }));
    return new Graph({ ...this.synthesis, builds }, this.settings);
  }

  /** With other programs beside each bundle. */
  withPrograms(programs: string[]): Graph {
    const builds = this.synthesis.builds.map((build) => ({ ...build, programs }));
    return new Graph({ ...this.synthesis, builds }, this.settings);
  }

  /** With options changed. */
  withOptions(type: string, options: Partial<Resource["options"]>): Graph {
    return this.#having(
      this.synthesis.resources.map((resource) =>
        resource.type === `aws:${type}` ? { ...resource, options: { ...resource.options, ...options } } : resource,
      ),
    );
  }
}
