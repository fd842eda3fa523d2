-- name: EventsOfSubject :many
SELECT * FROM events WHERE subject_kind = @subject_kind AND subject_id = @subject_id ORDER BY seq;
