//! What can be done. Each resolver is the short way to one public function of the work.

use std::{collections::BTreeMap, io::Cursor};

use async_graphql::{Context, ID, InputObject, Object, SimpleObject, Upload};
use entities::ObservableId;
use takedown::{
    error::Error,
    intake::{self, ImportRequest, format::Format},
    notice,
    observe::due,
    operation as operations,
    people::session,
    task::{self, Scope},
    token,
};

use crate::{
    case::{Cluster, Notice, Task},
    cluster::{Pivot, RuleOnClusterInput, RuleOnPivotInput},
    context::{ContextExt, id, int},
    enums::{Handling, Pap, Role, Tlp},
    error::{ApiError, Result},
    import::Import,
    operation::{CreateOperationInput, Operation, OperationMemberInput},
    page::invalid,
    people::{AccessToken, CreateTokenInput, CreateTokenPayload, Session},
};

/// The acts.
pub struct Mutation;

/// The most ids that one act takes.
const MOST_IDS: usize = 5_000;

/// The acts.
#[Object]
impl Mutation {
    /// Brings in indicators from a text or an uploaded file, and says what became of them.
    async fn import_indicators(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do it with.")] input: ImportIndicatorsInput,
    ) -> Result<ImportIndicatorsPayload> {
        let (request, format, bytes) = input.read(ctx)?;
        let report =
            intake::import(ctx.env(), ctx.actor(), &request, format, Cursor::new(bytes), |_| {}).await?;
        let import = match report.id {
            Some(id) => Some(Import(takedown::reads::imports::by_id(ctx.env(), ctx.actor(), id).await?)),
            None => None,
        };
        Ok(ImportIndicatorsPayload {
            import,
            format: report.format,
            total: int(report.total),
            accepted: int(report.accepted),
            duplicate: int(report.duplicate),
            rejected: int(report.rejected),
            reasons: report
                .reasons
                .into_iter()
                .map(|(reason, count)| ReasonCount { reason, count: int(count) })
                .collect(),
        })
    }

    /// Has observables looked at as soon as a worker is free; returns how many that is. Kinds that are not looked
    /// at (hashes, accounts …) do not count.
    async fn observe(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`obs_…`, at most 5,000.")] ids: Vec<ID>,
    ) -> Result<i32> {
        Ok(int(due::request(ctx.env(), ctx.actor(), &many("observable", &ids)?).await?))
    }

    /// Decides about a cluster or its members; it stands through every run, and the ledger keeps who and why.
    async fn rule_on_cluster(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is decided, and why.")] input: RuleOnClusterInput,
    ) -> Result<Cluster> {
        input.rule(ctx).await
    }

    /// Decides about a shared value: it says nothing, or much, or the machine weighs it again.
    async fn rule_on_pivot(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is decided, and why.")] input: RuleOnPivotInput,
    ) -> Result<Pivot> {
        input.rule(ctx).await
    }

    /// Opens the tasks that a playbook plans, for clusters, a family or single observables. What it refuses comes
    /// back with the reason.
    async fn open_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do it with.")] input: OpenTasksInput,
    ) -> Result<OpenTasksPayload> {
        let (scope, playbook, reasons) = input.read(ctx)?;
        let report = task::open(ctx.env(), ctx.actor(), &scope, &playbook, &reasons).await?;
        Ok(OpenTasksPayload {
            opened: report.opened.into_iter().map(Into::into).collect(),
            without_desk: report.without_desk.into_iter().map(Into::into).collect(),
            refused: report.refused.into_iter().map(TaskRefusal::from).collect(),
        })
    }

    /// Approves tasks that another person opened; their notices are drafted next.
    async fn approve_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`tsk_…`, at most 5,000.")] ids: Vec<ID>,
    ) -> Result<Vec<Task>> {
        let tasks = task::approve(ctx.env(), ctx.actor(), &many("task", &ids)?).await?;
        Ok(tasks.into_iter().map(Task).collect())
    }

    /// Approves a notice that another person drafted; it is sent next, if delivery is on.
    async fn approve_notice(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`ntc_…`.")] given: ID,
    ) -> Result<Notice> {
        Ok(Notice(notice::approve(ctx.env(), ctx.actor(), id("notice", &given)?).await?))
    }

    /// Makes an operation: who makes it is a member.
    async fn create_operation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is, and who works in it.")] input: CreateOperationInput,
    ) -> Result<Operation> {
        input.create(ctx).await
    }

    /// Adds a person or a party to an operation.
    async fn add_operation_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, to which.")] input: OperationMemberInput,
    ) -> Result<Operation> {
        input.add(ctx).await
    }

    /// Removes a person or a party from an operation: it knows of a sealed one no longer. Null if that is oneself.
    async fn remove_operation_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, from which.")] input: OperationMemberInput,
    ) -> Result<Option<Operation>> {
        input.remove(ctx).await
    }

    /// Seals an operation: from now on only its members know of it, and of what belongs to it.
    async fn seal_operation(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`opn_…`.")] given: ID,
    ) -> Result<Operation> {
        Ok(Operation(operations::seal(ctx.env(), ctx.actor(), id("operation", &given)?).await?))
    }

    /// Lifts the seal of an operation; for the party that owns it.
    async fn unseal_operation(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`opn_…`.")] given: ID,
    ) -> Result<Operation> {
        Ok(Operation(operations::unseal(ctx.env(), ctx.actor(), id("operation", &given)?).await?))
    }

    /// Lets who holds the same as an operation be told to speak to a desk, and no more; for the party that owns it.
    async fn allow_collisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`opn_…`.")] given: ID,
        #[graphql(desc = "The desk and how to reach it; if left out, nobody is told anything any more.")]
        contact: Option<String>,
    ) -> Result<Operation> {
        let (env, actor, operation) = (ctx.env(), ctx.actor(), id("operation", &given)?);
        Ok(Operation(operations::allow_collisions(env, actor, operation, contact.as_deref()).await?))
    }

    /// Ends a session of one's own; an administrator ends anybody's.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`ses_…`.")] given: ID,
    ) -> Result<Session> {
        Ok(Session(session::end(ctx.env(), ctx.actor(), id("session", &given)?).await?))
    }

    /// Makes a token of one's own, which may at most what one may oneself.
    async fn create_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is for, and what it may.")] input: CreateTokenInput,
    ) -> Result<CreateTokenPayload> {
        input.create(ctx).await
    }

    /// Revokes a token of one's own; an administrator revokes anybody's.
    async fn revoke_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`tok_…`.")] given: ID,
    ) -> Result<AccessToken> {
        Ok(AccessToken(token::revoke(ctx.env(), ctx.actor(), id("token", &given)?).await?))
    }
}

fn many<T: std::str::FromStr>(kind: &'static str, ids: &[ID]) -> Result<Vec<T>> {
    if ids.is_empty() || ids.len() > MOST_IDS {
        return Err(invalid("ids", "give 1 to 5,000 ids"));
    }
    ids.iter().map(|given| id(kind, given)).collect()
}

/// Indicators to bring in: either `text` or `file`.
#[derive(InputObject)]
pub struct ImportIndicatorsInput {
    /// Who says what the batch says: a feed, a report, a person.
    source: String,
    /// The indicators as text, in any format that `lockstep import` reads.
    text: Option<String>,
    /// The indicators as an uploaded file (GraphQL multipart request).
    file: Option<Upload>,
    /// The name that the import is kept under; the uploaded file's if it has one.
    name: Option<String>,
    /// How to read it, by the format's name; told by the content if left out.
    format: Option<String>,
    /// The malware family, where the input does not tell.
    family: Option<String>,
    /// What the things did, where the input does not tell.
    role: Option<Role>,
    /// Who may read it, where the input does not tell.
    #[graphql(default_with = "Tlp::AmberStrict")]
    tlp: Tlp,
    /// What may be done with it, where the input does not tell.
    #[graphql(default_with = "Pap::Amber")]
    pap: Pap,
    /// What its provider permits.
    #[graphql(default_with = "Handling::H0")]
    handling: Handling,
    /// The operation that it is to belong to, `opn_…`; to none, if left out.
    operation: Option<ID>,
    /// Say what would happen and write nothing.
    #[graphql(default)]
    dry_run: bool,
}

impl ImportIndicatorsInput {
    fn read(self, ctx: &Context<'_>) -> Result<(ImportRequest, Format, Vec<u8>)> {
        let (name, bytes) = match (self.text, self.file) {
            (Some(text), None) => ("-".to_owned(), text.into_bytes()),
            (None, Some(file)) => {
                let upload = file.value(ctx).map_err(|e| ApiError(Error::internal(e)))?;
                let mut bytes = Vec::new();
                let name = upload.filename.clone();
                std::io::Read::read_to_end(&mut upload.into_read(), &mut bytes)
                    .map_err(|e| ApiError(Error::internal(e)))?;
                (name, bytes)
            }
            _ => return Err(invalid("text", "give either `text` or `file`")),
        };
        let format = match self.format.as_deref() {
            None => Format::Auto,
            Some(text) => text.parse().map_err(|e: String| invalid("format", &e))?,
        };
        let request = ImportRequest {
            source: self.source,
            name: self.name.unwrap_or(name),
            family: self.family,
            role: self.role.map(Into::into),
            tlp: self.tlp.into(),
            pap: self.pap.into(),
            handling: self.handling.into(),
            operation: self.operation.map(|given| id("operation", &given)).transpose()?,
            dry_run: self.dry_run,
        };
        Ok((request, format, bytes))
    }
}

/// What became of a batch: `total` = `accepted` + `duplicate` + `rejected`.
#[derive(SimpleObject)]
pub struct ImportIndicatorsPayload {
    /// The stored import; null for a dry run, and when nothing was new.
    import: Option<Import>,
    /// The format it was read as.
    format: String,
    /// Lines or objects.
    total: i32,
    /// Those that said something new.
    accepted: i32,
    /// Those that said only what was known.
    duplicate: i32,
    /// Those that were refused.
    rejected: i32,
    /// Why lines were not accepted, most frequent first.
    reasons: Vec<ReasonCount>,
}

/// A reason with how often it was given.
#[derive(SimpleObject)]
pub struct ReasonCount {
    /// Why.
    reason: String,
    /// How many lines.
    count: i32,
}

/// For what to open tasks: `clusters`, `family` or `observables`, one of them.
#[derive(InputObject)]
pub struct OpenTasksInput {
    /// The clusters whose members are the targets, `clu_…`.
    clusters: Option<Vec<ID>>,
    /// The family whose sightings name the targets, in any of its spellings.
    family: Option<String>,
    /// The targets themselves, `obs_…`, at most 1,000.
    observables: Option<Vec<ID>>,
    /// The playbook's name.
    #[graphql(default_with = "\"registrar-suspension\".to_owned()")]
    playbook: String,
    /// Why acting is right also on targets that the playbook guards (on a benign list, say), by target.
    #[graphql(default)]
    reasons: Vec<TargetReason>,
}

/// A person's reason to act on a guarded target.
#[derive(InputObject)]
pub struct TargetReason {
    /// The target, `obs_…`.
    observable: ID,
    /// Why acting is right.
    reason: String,
}

impl OpenTasksInput {
    fn read(self, ctx: &Context<'_>) -> Result<(Scope, String, BTreeMap<ObservableId, String>)> {
        let scope = match (self.clusters, self.family, self.observables) {
            (Some(clusters), None, None) => Scope::Clusters(many("cluster", &clusters)?),
            (None, Some(family), None) => Scope::Family(ctx.env().intake.families.canonical(&family)),
            (None, None, Some(observables)) => Scope::Targets(many("observable", &observables)?),
            _ => return Err(invalid("clusters", "give one of `clusters`, `family` and `observables`")),
        };
        let mut reasons = BTreeMap::new();
        for TargetReason { observable, reason } in self.reasons {
            reasons.insert(id("observable", &observable)?, reason);
        }
        Ok((scope, self.playbook, reasons))
    }
}

/// The tasks that were opened and the targets that were refused.
#[derive(SimpleObject)]
pub struct OpenTasksPayload {
    /// Tasks that now wait for a second person, `tsk_…`.
    opened: Vec<ID>,
    /// Tasks that a person must first find a desk for.
    without_desk: Vec<ID>,
    /// The targets for which none was opened.
    refused: Vec<TaskRefusal>,
}

/// A target for which no task was opened.
#[derive(SimpleObject)]
pub struct TaskRefusal {
    /// The target.
    observable: ID,
    /// Its canonical value.
    value: String,
    /// Why not.
    reasons: Vec<String>,
    /// Whether a person's reason would lift the refusal.
    yields_to_a_reason: bool,
}

impl From<task::Refused> for TaskRefusal {
    fn from(refused: task::Refused) -> Self {
        Self {
            observable: refused.target.into(),
            value: refused.value,
            reasons: refused.reasons,
            yields_to_a_reason: refused.yields_to_a_reason,
        }
    }
}
