import { parseJson, readText, sendJson } from '../service/json.ts'
import { answerError } from './answers.ts'
import type { Exchange, Route } from './exchange.ts'

const CLUSTERS = [
  { cluster_id: '1122-334455-abcdefg1', cluster_name: 'shared', state: 'RUNNING' },
  { cluster_id: '1122-334455-abcdefg2', cluster_name: 'nightly', state: 'TERMINATED' },
]

const JOBS = [
  { job_id: 101, settings: { name: 'ingest' } },
  { job_id: 102, settings: { name: 'report' } },
]

const MAX_BODY_BYTES = 1024 * 1024

/** Clusters and jobs; they never change. */
export const computeRoutes: readonly Route[] = [
  ['GET', /^\/api\/2\.[01]\/clusters\/list$/, list({ clusters: CLUSTERS })],
  ['GET', /^\/api\/2\.[01]\/clusters\/get$/, getCluster],
  ['POST', /^\/api\/2\.[01]\/clusters\/start$/, startCluster],
  ['GET', /^\/api\/2\.[012]\/jobs\/list$/, list({ jobs: JOBS, has_more: false })],
  ['GET', /^\/api\/2\.[012]\/jobs\/get$/, getJob],
  ['POST', /^\/api\/2\.[012]\/jobs\/run-now$/, runJob],
]

function list(answer: object): Route[2] {
  return ({ response }) => sendJson(response, 200, answer)
}

function getCluster({ response, query }: Exchange): void {
  answerOne(response, 'Cluster', query.get('cluster_id'), findCluster(query.get('cluster_id')))
}

async function startCluster({ response, body }: Exchange): Promise<void> {
  const id = await readMember(body, 'cluster_id')
  answerOne(response, 'Cluster', id, findCluster(id) && {})
}

function getJob({ response, query }: Exchange): void {
  answerOne(response, 'Job', query.get('job_id'), findJob(query.get('job_id')))
}

async function runJob({ response, body }: Exchange): Promise<void> {
  const id = await readMember(body, 'job_id')
  answerOne(response, 'Job', id, findJob(id) && { run_id: 9001, number_in_job: 9001 })
}

function findCluster(id: unknown): object | undefined {
  return CLUSTERS.find(({ cluster_id }) => cluster_id === id)
}

function findJob(id: unknown): object | undefined {
  return JOBS.find(({ job_id }) => String(job_id) === String(id))
}

function answerOne(
  response: Exchange['response'],
  kind: string,
  id: unknown,
  found: object | undefined,
): void {
  if (found !== undefined) return sendJson(response, 200, found)
  answerError(response, 400, 'INVALID_PARAMETER_VALUE', `${kind} ${String(id)} does not exist`)
}

async function readMember(body: Exchange['body'], name: string): Promise<unknown> {
  const value = parseJson(await readText(body, MAX_BODY_BYTES))
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
