import http from 'k6/http';

export const options = { vus: 64, duration: '10s' };
const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

export default function () {
  http.post(__ENV.URL, __ENV.BODY, { headers });
}

export function handleSummary({ metrics }) {
  const requests = metrics.http_reqs.values.count;
  return { stdout: JSON.stringify({ requests, failed: metrics.http_req_failed.values.rate }) };
}
