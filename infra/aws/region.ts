/**
 * A stage stays in the region where it was deployed first: SST keeps its state by region and would
 * make a second stage of the same name beside it, without the first one's videos and documents. IAM
 * is the same in all regions of an account, so the paths of the functions' roles say where a stage
 * is.
 */

const stagePath = (app: string, stage: string): string => `/${app}/${stage}/`;

/** Path of the roles of a stage's functions. IAM allows 512 characters. */
export const rolePath = (app: string, stage: string, region: string): string => `${stagePath(app, stage)}${region}/`;

/** `arn:aws:iam::123456789012:role/video-split/production/eu-west-1/name` */
const regionOfRole = (arn: string): string | undefined => arn.split("/").at(-2);

/** Stops the deployment of a stage that is already deployed in another region. */
export async function assertSameRegion(region: string): Promise<void> {
  const { name: app, stage } = $app;
  const { arns } = await aws.iam.getRoles({ pathPrefix: stagePath(app, stage) });
  const other = arns.map(regionOfRole).find((found) => found !== region);
  if (other === undefined) return;
  throw new $util.RunError(
    `Stage "${stage}" is deployed in ${other}, and dynamodb.region says ${region}. A stage stays in its region: ` +
      `set dynamodb.region to ${other} again, remove the stage there first, or deploy a stage of another name.`,
  );
}
