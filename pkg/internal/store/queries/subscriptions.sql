-- name: PutSubscription :exec
INSERT INTO customer_subscriptions (customer_id, url, ended, updated_us) VALUES (@customer_id, @url, FALSE, @now_us)
ON CONFLICT (customer_id) DO UPDATE SET url = excluded.url, ended = FALSE, updated_us = excluded.updated_us;

-- name: LiveSubscription :one
SELECT count(*) FROM customer_subscriptions WHERE customer_id = @customer_id AND ended = FALSE;

-- name: EndSubscription :exec
UPDATE customer_subscriptions SET ended = TRUE, updated_us = @now_us WHERE customer_id = @customer_id AND ended = FALSE;

-- name: ForgetSubscription :exec
DELETE FROM customer_subscriptions WHERE customer_id = @customer_id;

-- The body is made when it is sent: only the business can say what the customer still has to give.
-- name: InsertCustomerCallback :exec
INSERT INTO callbacks (id, subject_kind, subject_id, seq, subscriber, topic, body, state, next_us, created_us, updated_us)
VALUES (@id, 'customer', @customer_id, @seq, @subscriber, @topic, '', 'pending', @now_us, @now_us, @now_us);

-- Nobody is to be told anything of a customer who is deleted.
-- name: AbandonCustomerCallbacks :exec
UPDATE callbacks SET state = 'dead', last_answer = 'the customer was deleted', lease_until_us = 0, updated_us = @now_us
WHERE state = 'pending' AND subject_kind = 'customer' AND subject_id = @customer_id;
