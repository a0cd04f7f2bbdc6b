// Seconds since an answer was made: since the Date that the daemon gave it, and what it said of its age then (RFC 9111, 4.2.3).

const KEPT = ['HIT', 'STALE', 'UPDATING', 'REVALIDATED'];

function age(request) {
    const variables = request.variables;
    const before = variables.upstream_http_age || '';
    if (KEPT.indexOf(variables.upstream_cache_status) < 0) {
        return before;
    }
    const made = Date.parse(variables.upstream_http_date);
    if (isNaN(made)) {
        return before;
    }
    return String(Math.max(0, Math.floor((Date.now() - made) / 1000)) + (Number(before) || 0));
}

export default {age};
