import { IdempotencyItemAlreadyExistsError, IdempotencyItemNotFoundError } from "@aws-lambda-powertools/idempotency";
import { BasePersistenceLayer, IdempotencyRecord } from "@aws-lambda-powertools/idempotency/persistence";
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod";

const Stored = z.object({
  id: z.string(),
  status: z.enum(["INPROGRESS", "COMPLETED", "EXPIRED"]),
  expiration: z.number(),
  in_progress_expiration: z.number().optional(),
  data: z.unknown().optional(),
  asking: z.string().optional(),
});

const IN_PROGRESS = "INPROGRESS";

const isRefused = (error: unknown): boolean => (error as Error).name === "ConditionalCheckFailedException";

/** Condition for ending a record: only its current owner may do so. */
const OWN = "#owner = :owner";

async function unlessTakenOver(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
}

/**
 * Powertools' records in the ledger table, with two fields added: its owner, and what was
 * requested. A retry of an invocation has the same request id as the attempt that was killed, so it
 * may take over a record that's still in progress; any other delivery may not. Without that, the
 * record of a crashed attempt would stop its own retries until it expires. See
 * docs/decisions/idempotency.md.
 */
export class LedgerPersistence extends BasePersistenceLayer {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  #owner = "";
  #requestHash = "";
  #requestHashOfOwner: string | undefined;

  constructor(client: DynamoDBDocumentClient, tableName: string) {
    super();
    this.#client = client;
    this.#table = tableName;
  }

  /**
   * Sets the invocation for which the next records are written. A function handles one invocation
   * at a time.
   */
  setOwner(requestId: string): void {
    this.#owner = requestId;
  }

  /** Sets what is requested of the work whose record is written next. */
  setRequestHash(requestHash: string): void {
    this.#requestHash = requestHash;
  }

  /** What was requested of the work in the record that was read last. */
  get requestHashOfOwner(): string | undefined {
    return this.#requestHashOfOwner;
  }

  protected async _putRecord(record: IdempotencyRecord): Promise<void> {
    const now = Date.now();
    const free = "attribute_not_exists(id) OR expiration < :now_s";
    const abandoned = "(#status = :in_progress AND (in_progress_expiration < :now_ms OR #owner = :owner))";
    try {
      await this.#client.send(
        new PutCommand({
          TableName: this.#table,
          Item: {
            id: record.idempotencyKey,
            status: record.getStatus(),
            owner: this.#owner,
            asking: this.#requestHash,
            expiration: record.expiryTimestamp,
            in_progress_expiration: record.inProgressExpiryTimestamp,
          },
          ConditionExpression: `${free} OR ${abandoned}`,
          ExpressionAttributeNames: { "#status": "status", "#owner": "owner" },
          ExpressionAttributeValues: {
            ":now_s": Math.floor(now / 1_000),
            ":now_ms": now,
            ":in_progress": IN_PROGRESS,
            ":owner": this.#owner,
          },
        }),
      );
    } catch (error) {
      if (!isRefused(error)) throw error;
      throw new IdempotencyItemAlreadyExistsError(`The record ${record.idempotencyKey} exists`);
    }
  }

  protected async _getRecord(idempotencyKey: string): Promise<IdempotencyRecord> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: { id: idempotencyKey }, ConsistentRead: true }),
    );
    if (Item === undefined) throw new IdempotencyItemNotFoundError();
    const stored = Stored.parse(Item);
    this.#requestHashOfOwner = stored.asking;
    return new IdempotencyRecord({
      idempotencyKey: stored.id,
      status: stored.status,
      expiryTimestamp: stored.expiration,
      ...(stored.in_progress_expiration === undefined
        ? {}
        : { inProgressExpiryTimestamp: stored.in_progress_expiration }),
      responseData: stored.data as never,
    });
  }

  protected async _updateRecord(record: IdempotencyRecord): Promise<void> {
    const update = new UpdateCommand({
      TableName: this.#table,
      Key: { id: record.idempotencyKey },
      UpdateExpression: "SET expiration = :expiration, #status = :status, #data = :data",
      ConditionExpression: OWN,
      ExpressionAttributeNames: { "#status": "status", "#data": "data", "#owner": "owner" },
      ExpressionAttributeValues: {
        ":expiration": record.expiryTimestamp,
        ":status": record.getStatus(),
        ":data": record.responseData ?? null,
        ":owner": this.#owner,
      },
    });
    await unlessTakenOver(this.#client.send(update));
  }

  protected async _deleteRecord(record: IdempotencyRecord): Promise<void> {
    const deletion = new DeleteCommand({
      TableName: this.#table,
      Key: { id: record.idempotencyKey },
      ConditionExpression: OWN,
      ExpressionAttributeNames: { "#owner": "owner" },
      ExpressionAttributeValues: { ":owner": this.#owner },
    });
    await unlessTakenOver(this.#client.send(deletion));
  }
}
