import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Projects, by how long their files take. A worker is restarted for another project, so each
 * project is run as a whole.
 */
const PROJECTS = ["e2e", "integration", "infra", "contract", "unit"];

/**
 * Files that take longest, by the seconds of processor time that they need: none of them is left
 * when the others are done.
 */
const LONG = [
  "e2e/chaos",
  "e2e/odd-media",
  "e2e/continued-split",
  "e2e/split-command",
  "e2e/dead-letters",
  "e2e/mutations",
  "e2e/split-service",
  "e2e/start-command",
  "e2e/console",
  "e2e/reconciler",
  "e2e/replay",
  "integration/ffmpeg/seek",
  "integration/split/failing-source",
  "integration/split/warm-process",
  "integration/ffmpeg/cut",
  "integration/ffmpeg/exact-failures",
  "integration/ffmpeg/stitch-check",
  "integration/ffmpeg/anchored-guards",
  "integration/ffmpeg/audio-cut",
  "integration/ffmpeg/measured-end",
  "integration/ffmpeg/bytes-read",
  "integration/aws/media-store",
  "integration/aws/idempotency-interleavings",
  "integration/ffmpeg/proof-mutants",
  "integration/ffmpeg/encoded-video",
  "emulator/s3/aws-cli",
  "emulator/events/aws-cli",
  "infra/refusals",
  "infra/operations",
];

const rankIn = (list: readonly string[], isIt: (entry: string) => boolean): number => {
  const at = list.findIndex(isIt);
  return at < 0 ? list.length : at;
};

/** The order in which test files are begun. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const projectOf = ({ project }: TestSpecification) => rankIn(PROJECTS, (name) => name === project.name);
    const fileOf = ({ moduleId }: TestSpecification) => rankIn(LONG, (name) => moduleId.includes(`/test/${name}.`));
    return (await super.sort(files)).toSorted(
      (one, other) => projectOf(one) - projectOf(other) || fileOf(one) - fileOf(other),
    );
  }
}
