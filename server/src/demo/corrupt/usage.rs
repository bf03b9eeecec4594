//! A metered row made ten times as large, where screens and bills read it and where the next snapshot
//! goes on from: what somebody does who wants more, or less, to be invoiced.

use app::backend::{LabCorruption, LabDamage};

use super::{Damage, Intruder, Spared};

/// One that both tables hold alike, and that no usage of now adds to.
const VICTIM: &str = "
SELECT tenant_id, hour, provider, model, region
FROM snapshot.usage_hour AS aside JOIN usage_hour AS shown
USING (tenant_id, hour, provider, model, region, input_tokens)
WHERE input_tokens > 0 AND hour < date_trunc('hour', now())
ORDER BY hour DESC, input_tokens DESC, tenant_id, provider, model, region LIMIT 1";

/// The columns that name a row, as people read them.
const PLACE: &str = "concat_ws(' ', tenant_id, provider || '/' || model, region, \
                     to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI\"Z\"'))";

impl Intruder<'_> {
    pub(super) async fn change_usage(&mut self) -> Result<Damage, Spared> {
        let refused = self.refused();
        self.owner().await?;
        let sql = |table: &str, which: &str| {
            format!(
                "UPDATE {table} SET input_tokens = input_tokens * 10 WHERE {which} \
                 RETURNING {PLACE}, input_tokens / 10, input_tokens"
            )
        };
        let key = "(tenant_id, hour, provider, model, region)";
        let aside = sql("snapshot.usage_hour", &format!("{key} IN ({VICTIM})"));
        // Both in one statement: the second would not find the row that the first has changed.
        let both = format!(
            "WITH victim AS ({VICTIM}), shown AS (UPDATE usage_hour SET input_tokens = input_tokens * 10 \
             WHERE {key} IN (SELECT * FROM victim)) {aside}"
        );
        let changed: Option<(String, i64, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(both))
            .fetch_optional(&mut *self.session)
            .await
            .map_err(&refused)?;
        let (place, before, after) = changed.ok_or(Spared::NothingMetered(self.cloud))?;
        sqlx::query("COMMIT").execute(&mut *self.session).await.map_err(&refused)?;
        let told = LabCorruption {
            cloud: self.cloud,
            what: LabDamage::Usage,
            place: place.clone(),
            event_id: String::new(),
            rows: 1,
            before: format!("inputTokens {before}"),
            after: format!("inputTokens {after}"),
            repair: None,
        };
        Ok(Damage { told, places: vec![place] })
    }
}
