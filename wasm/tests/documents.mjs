// One document of each kind, as they are sent.

export const MANIFEST = {
  schema_version: '1',
  run_id: '6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10',
  tool: { name: 'productive-k3s-core', version: '1.2.3' },
  execution: 'apply',
  bootstrap_mode: 'agent',
  status: 'running',
  exit_code: null,
  started_at: '2026-11-22T07:50:02Z',
  finished_at: null,
  current_step: 'preflight',
  platform: { support: 'supported', os_family: 'debian', os_id: 'ubuntu', os_version: '24.04', arch: 'amd64' },
  features: {},
  components: {}
}

export const TELEMETRY = {
  schema_version: '1',
  event_id: '0d5a1c7e-6a53-4a9e-8c0f-51b7a2f4d3c8',
  event_family: 'usage',
  event_category: 'component_enabled',
  event_name: 'core.component.enabled',
  occurred_at: '2026-11-22T07:58:41Z',
  sent_at: '2026-11-22T07:58:41Z',
  session_id: '9f86d081884c7d65',
  run_id: '6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10',
  parent_run_id: null,
  component: 'core',
  delivery_attempt: 1,
  retry_attempt: 0,
  is_retry: false,
  client: { name: 'productive-k3s-core', version: '1.2.3' },
  telemetry_meta: {
    delivery_mode: 'best-effort',
    anonymous_by_contract: true,
    contract_version: process.env.CONTRACT_VERSION
  },
  enabled_component: { name: 'k3s', result: 'installed' }
}

/** The bytes of `document` with members changed or added. */
export const written = (document, changes = {}) => Buffer.from(JSON.stringify({ ...document, ...changes }))
