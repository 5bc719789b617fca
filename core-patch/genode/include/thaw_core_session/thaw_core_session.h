/*
 * \brief  Session of Thaw's service in core
 *
 * One session works on one protection domain of the caller's. All arguments are plain words; capabilities
 * are only ever passed by who holds them.
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _INCLUDE__THAW_CORE_SESSION__THAW_CORE_SESSION_H_
#define _INCLUDE__THAW_CORE_SESSION__THAW_CORE_SESSION_H_

#include <session/session.h>
#include <pd_session/pd_session.h>
#include <cpu_session/cpu_session.h>
#include <dataspace/capability.h>
#include <base/rpc.h>

namespace Thaw { struct Core_session; }


struct Thaw::Core_session : Genode::Session
{
	using Word              = Genode::uint32_t;
	using Native_capability = Genode::Native_capability;

	static const char *service_name() { return "Thaw_core"; }

	static constexpr unsigned        CAP_QUOTA = 16;
	static constexpr Genode::size_t  RAM_QUOTA = 128*1024;

	/**
	 * Why a request was not granted
	 */
	enum class Result : Word {
		OK,
		NOT_YOURS,      /* no PD session, or its label is not below the caller's */
		NOT_OPEN,       /* no PD was opened */
		BUSY,           /* another PD is being worked on */
		NOT_FOUND,      /* no such object */
		BADGE_TAKEN,    /* another object has the badge */
		BAD_SLOT,       /* slot outside the range that may be filled, or full */
		KERNEL,         /* the kernel refused */
		QUOTA,          /* too little RAM or capability quota */
		UNSUPPORTED,    /* not with this kernel or this core */
	};

	/**
	 * Request or answer of the engine, in the wire form of the crate thaw-protocol: MR0 is the verb, MR1
	 * the session; the answer's label is 0 or a negative error number
	 */
	struct Message
	{
		enum { MAX = 52 };
		Word count { };
		Word label { };
		Word words[MAX] { };
	};

	struct Opened
	{
		Result result  { };
		Word   session { };    /* number for MR1 of a message */
		Word   error   { };    /* negative error number of the engine, if it refused */
	};

	using Cap_result = Genode::Attempt<Native_capability, Result>;

	/**
	 * What a dataspace is; RAM belongs to the PD that is open, FOREIGN to somebody else
	 */
	enum class Memory : Word { RAM, ROM, DEVICE, MANAGED, FOREIGN };

	/**
	 * Part of an address space, in order of address; nested areas are flattened
	 */
	struct Region
	{
		Result result { };          /* NOT_FOUND past the last one */
		Word   addr { }, size { };
		Word   offset { };          /* in the dataspace */
		Word   ds_badge { }, ds_size { };
		Memory memory { };
		Word   writeable { }, executable { };
		Word   map { };             /* Map::* in which it is attached, or the badge of a nested map */
	};

	/**
	 * Region map of an RM session
	 */
	struct Nested
	{
		Result result { };          /* NOT_FOUND past the last one */
		Word   badge { };
		Word   ds_badge { };        /* of the managed dataspace that it is seen through */
		Word   size { };
		Word   handler { };         /* badge of the signal context that is told of faults, 0: none */
		Word   faulters { };        /* 1 if a thread waits for a fault to be resolved */
	};

	enum Map : Word { ADDRESS_SPACE, STACK_AREA, LINKER_AREA, OTHER };

	/**
	 * What a slot of the PD holds
	 */
	enum class Kind : Word {
		UNKNOWN,            /* core has no name for it */
		FIXED,              /* put there by core itself: task, parent, thread areas */
		PD,                 /* the PD's own session */
		REGION_MAP,         /* a: Map */
		AREA_DATASPACE,     /* dataspace of a region map, a: Map */
		NATIVE_PD,
		CPU,                /* the CPU session of its threads */
		NATIVE_CPU,
		CPU_THREAD,         /* Cpu_thread object, a: thread */
		THREAD,             /* kernel thread, a: thread */
		THREAD_GATE,        /* the gate that every thread has, a: thread */
		THREAD_IRQ,         /* the IRQ that every thread has, a: thread */
		GATE,               /* RPC object that a thread of the PD serves, a: thread */
		SIGNAL_SOURCE,
		SEMAPHORE,          /* IRQ of the signal source */
		CONTEXT,            /* signal context of the PD, a: imprint, b: pending signals */
		DATASPACE,          /* a: size, b: Memory */
		CALLER,             /* RPC object of the caller's, a: 1 if its thread is known to core */
		OUTSIDE,            /* object of another component */
		CORE,               /* any other object of core */
		RM_SESSION,
		NESTED_MAP,         /* region map of an RM session */
	};

	/**
	 * A filled slot at or above USER_BASE_CAP or the parent's, in order
	 */
	struct Slot
	{
		Result result { };          /* NOT_FOUND past the last one */
		Word   slot { };            /* index: bits 12 and up of the capability word */
		Word   badge { };           /* id in core, 0 if it has none */
		Kind   kind { };
		Word   a { }, b { };
	};

	/**
	 * As many as a message holds
	 */
	struct Regions { enum { MAX = 5 }; Region region[MAX] { }; };
	struct Slots   { enum { MAX = 8 }; Slot   slot[MAX]   { }; };

	/**
	 * Badges of the five objects that core makes for a thread
	 */
	struct Thread_badges
	{
		Word thread { }, irq { }, gate { }, cpu_thread { }, pager { };
	};

	using Name = Genode::String<32>;

	/**
	 * A thread, by the index of its area in the PD's capability space
	 */
	struct Thread
	{
		Result        result { };   /* NOT_FOUND: hole; NOT_OPEN past the last index */
		Word          started { };
		Word          priority { };    /* of the kernel, 1..255 */
		Word          xpos { };        /* affinity */
		Word          utcb { };
		Thread_badges badges { };
		Name          name { };
	};

	/**
	 * What is in use, for finding what is never given back
	 */
	struct Usage
	{
		Result result { };
		Word   badges { };      /* ids of objects, in the whole system */
		Word   known { };       /* capabilities of core */
		Word   slots { };       /* filled slots of the caller's PD */
		Word   ram { };         /* free physical memory, bytes */
	};

	/**
	 * Tell core who the caller is: its threads get a priority above all targets' so that it answers promptly
	 *
	 * \param own  the caller's PD session; label equals the session's
	 */
	virtual Result introduce(Genode::Capability<Genode::Pd_session> own) = 0;

	/**
	 * From now on badges are taken from the upper range, which a fresh boot leaves alone
	 */
	virtual Result use_upper_badges() = 0;

	/**
	 * Open a PD of the caller's; a PD that was open is closed. Only one session at a time has one open (BUSY).
	 */
	virtual Opened open(Genode::Capability<Genode::Pd_session> target) = 0;

	/**
	 * Keep other sessions from opening a PD or having badges exchanged until 'done' (BUSY: another one does)
	 */
	virtual Result begin() = 0;

	/**
	 * Close the PD that is open: another session may begin
	 */
	virtual void done() = 0;

	/**
	 * Let the engine serve a request
	 */
	virtual Message call(Message const &) = 0;


	/* looking at the open PD */

	/**
	 * From number 'first' on; they are listed anew for 0
	 */
	virtual Regions regions(Word first) = 0;

	/**
	 * Region map number 'n' of an RM session that the caller holds, the newest first
	 *
	 * From then on, as long as the PD is open, 'nested_region' tells what is attached in it, it may get another badge,
	 * and a stop fails while a thread waits for a fault in it to be resolved.
	 */
	virtual Nested nested(Genode::Capability<Genode::Session> rm, Word n) = 0;

	/**
	 * Region number 'n' of the region map with that badge; addresses are those in the map
	 */
	virtual Region nested_region(Word map, Word n) = 0;

	/**
	 * From number 'first' on; they are listed anew for 0, unless the PD is stopped
	 */
	virtual Slots slots(Word first) = 0;

	virtual Thread thread(Word index) = 0;

	/**
	 * Badge of the signal context that is told of faults in a region map of the open PD, by Map; 0: none
	 */
	virtual Word fault_handler(Word map) = 0;

	/**
	 * Dataspace of a region or slot of the open PD
	 */
	virtual Cap_result dataspace(Word badge) = 0;


	/* making a PD; all badges are chosen by the caller, BADGE_TAKEN leaves everything as it was */

	/**
	 * Give an object of core's another badge; all older capabilities to it become void
	 *
	 * A PD session must lie below the caller, a region map belong to the open PD; of all else the caller holds a
	 * capability, and that is all that is asked.
	 */
	virtual Cap_result rebadge(Native_capability, Word badge) = 0;

	/**
	 * Make a thread, never started, at the given index; result is its Cpu_thread
	 */
	virtual Cap_result create_thread(Genode::Capability<Genode::Cpu_session>, Word index, Thread const &) = 0;

	/**
	 * Make an RPC object's capability, served by a thread of the open PD
	 */
	virtual Cap_result gate(Word thread, Word badge) = 0;

	/**
	 * Make an RPC object's capability, served by an entrypoint of the caller's
	 */
	virtual Cap_result own_gate(Native_capability entrypoint, Word badge) = 0;

	/**
	 * Make a signal context of the open PD with pending signals
	 */
	virtual Cap_result context(Word imprint, Word badge, Word pending) = 0;

	/**
	 * The signal source of the open PD gets a badge, and so does its semaphore unless that is 0; result is the source
	 */
	virtual Cap_result signal_source(Word badge, Word semaphore) = 0;

	/**
	 * Bind the semaphore of the signal source to a thread of the open PD; result is the semaphore
	 */
	virtual Cap_result semaphore(Word thread) = 0;

	/**
	 * Capability to an object that core made for the open PD, by the kind of a slot and its argument 'a':
	 * THREAD, THREAD_GATE, THREAD_IRQ, CPU_THREAD, REGION_MAP, AREA_DATASPACE, NATIVE_PD
	 */
	virtual Cap_result object(Kind, Word a) = 0;

	/**
	 * Put a capability that the caller holds into an empty slot of the open PD
	 */
	virtual Result install(Word slot, Native_capability) = 0;

	virtual Usage usage() = 0;

	GENODE_RPC(Rpc_introduce,        Result,     introduce, Genode::Capability<Genode::Pd_session>);
	GENODE_RPC(Rpc_use_upper_badges, Result,     use_upper_badges);
	GENODE_RPC(Rpc_open,             Opened,     open, Genode::Capability<Genode::Pd_session>);
	GENODE_RPC(Rpc_begin,            Result, begin);
	GENODE_RPC(Rpc_done,             void, done);
	GENODE_RPC(Rpc_call,             Message,    call, Message const &);
	GENODE_RPC(Rpc_regions,          Regions,    regions, Word);
	GENODE_RPC(Rpc_nested,           Nested,     nested, Genode::Capability<Genode::Session>, Word);
	GENODE_RPC(Rpc_nested_region,    Region,     nested_region, Word, Word);
	GENODE_RPC(Rpc_slots,            Slots,      slots, Word);
	GENODE_RPC(Rpc_thread,           Thread,     thread, Word);
	GENODE_RPC(Rpc_fault_handler,    Word,       fault_handler, Word);
	GENODE_RPC(Rpc_dataspace,        Cap_result, dataspace, Word);
	GENODE_RPC(Rpc_rebadge,          Cap_result, rebadge, Native_capability, Word);
	GENODE_RPC(Rpc_create_thread,    Cap_result, create_thread,
	           Genode::Capability<Genode::Cpu_session>, Word, Thread const &);
	GENODE_RPC(Rpc_gate,             Cap_result, gate, Word, Word);
	GENODE_RPC(Rpc_own_gate,         Cap_result, own_gate, Native_capability, Word);
	GENODE_RPC(Rpc_context,          Cap_result, context, Word, Word, Word);
	GENODE_RPC(Rpc_signal_source,    Cap_result, signal_source, Word, Word);
	GENODE_RPC(Rpc_semaphore,        Cap_result, semaphore, Word);
	GENODE_RPC(Rpc_object,           Cap_result, object, Kind, Word);
	GENODE_RPC(Rpc_install,          Result,     install, Word, Native_capability);

	GENODE_RPC(Rpc_usage,            Usage,      usage);

	GENODE_RPC_INTERFACE(Rpc_introduce, Rpc_use_upper_badges, Rpc_open, Rpc_begin, Rpc_done, Rpc_call, Rpc_regions,
	                     Rpc_nested, Rpc_nested_region, Rpc_slots, Rpc_thread, Rpc_fault_handler, Rpc_dataspace, Rpc_rebadge, Rpc_create_thread, Rpc_gate, Rpc_own_gate,
	                     Rpc_context, Rpc_signal_source, Rpc_semaphore, Rpc_object, Rpc_install, Rpc_usage);
};

#endif /* _INCLUDE__THAW_CORE_SESSION__THAW_CORE_SESSION_H_ */
