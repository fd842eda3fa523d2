-- name: PruneChallenges :execrows
DELETE FROM used_challenges WHERE hash IN (
    SELECT c.hash FROM used_challenges c WHERE c.expires_us <= @now_us ORDER BY c.expires_us LIMIT @most
);
